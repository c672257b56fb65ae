/** Failures of a gRPC server to bind its address, with their remedies. */
import { PortInUseError, UsageError } from './errors.js';

/**
 * @param what listens, at the beginning of a sentence
 * @param option that chooses the address
 * @throws PortInUseError, UsageError
 */
export async function listening(
  what: string,
  address: string,
  option: string,
  listen: (address: string) => Promise<number>,
): Promise<number> {
  try {
    return await listen(address);
  } catch (error) {
    // grpc-js rejects with an Error without a code or a cause: the system's code is in its text and nowhere else.
    const { message } = error as Error;
    if (message.includes('EADDRINUSE')) throw new PortInUseError(what, address, option);
    const reason = /EADDRNOTAVAIL|EACCES|ENOTFOUND|EAI_AGAIN/.exec(message)?.[0] ?? message;
    throw new UsageError(
      `${what} cannot listen on ${address} (${reason}); give an address of this machine, and a port that you may use, with ${option}`,
      { cause: error },
    );
  }
}
