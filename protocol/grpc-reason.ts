/**
 * What went wrong with a gRPC connection, without what grpc-js adds that says nothing: the note on name resolution,
 * empty for addresses; a last error, if there was none yet; and "Error:" before the text of one.
 */
export function grpcReason(details: string): string {
  return details
    .replace(/\s*Resolution note:\s*$/, '')
    .replace(/ Last error: null\.$/, '')
    .replace(/(?<=Last error: )\w*Error: /, '');
}
