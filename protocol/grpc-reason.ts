/** What went wrong with a gRPC connection, without the note on name resolution that grpc-js appends and leaves empty for addresses. */
export function grpcReason(details: string): string {
  return details.replace(/\s*Resolution note:\s*$/, '');
}
