/**
 * What went wrong with a gRPC connection, as a part of a sentence, without what grpc-js adds that says nothing: the
 * note on name resolution, empty for addresses; a last error, if there was none yet; and "Error:" before the text of one.
 */
export function grpcReason(details: string): string {
  return details
    .replace(/\s*Resolution note:\s*$/, '')
    .replace(/\. Last error: null\.$/, '.')
    .replace(/\. Last error: (?:\w*Error: )?/, ': ')
    .replace(/^No connection established(.*?)\.?$/s, 'no connection established$1');
}
