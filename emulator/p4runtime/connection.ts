import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

/** The call of a handler as grpc-js keeps it; its types do not show the connection. */
interface CallOnStream {
  readonly call?: { readonly stream?: Pick<ServerHttp2Stream, 'session'> };
}

/** The connection that a call came on, if it is still there. @param call of a handler of grpc-js */
export function connectionOf(call: object): ServerHttp2Session | undefined {
  return (call as CallOnStream).call?.stream?.session as ServerHttp2Session | undefined;
}
