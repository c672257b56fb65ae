/**
 * The gRPC service p4.v1.P4Runtime for grpc-js, for servers and clients alike: the generated one, with the codecs of
 * codec.ts, so that messages may omit fields and errors name the field that is wrong.
 */
import type {
  CallOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  ClientUnaryCall,
  MethodDefinition,
  UntypedServiceImplementation,
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  requestCallback,
} from '@grpc/grpc-js';
import { Metadata, makeClientConstructor } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { codec, type Codec } from './codec.js';
import { P4RuntimeService as Generated } from './generated/p4/v1/p4runtime.js';
import { protobufRoot } from './load.js';
import type { Init } from './messages.js';

export const P4RUNTIME_SERVICE = 'p4.v1.P4Runtime';

type Methods = typeof Generated;
/** Methods are named as in the .proto file. */
type MethodName = Capitalize<keyof Methods>;
type Method<Name extends MethodName> = Methods[Uncapitalize<Name>];
type Request<Name extends MethodName> = ReturnType<Method<Name>['requestDeserialize']>;
type Response<Name extends MethodName> = ReturnType<Method<Name>['responseDeserialize']>;

type Service = { readonly [Name in MethodName]: MethodDefinition<Init<Request<Name>>, Init<Response<Name>>> };

function asBuffer({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function definition(key: keyof Methods): MethodDefinition<Init<unknown>, Init<unknown>> {
  const { path, requestStream, responseStream } = Generated[key];
  const name = path.slice(path.lastIndexOf('/') + 1);
  // Looked up at first use, so that the definition costs a process nothing that never uses it.
  let codecs: { request: Codec<unknown>; response: Codec<unknown> } | undefined;
  const lookup = (): NonNullable<typeof codecs> => {
    if (codecs) return codecs;
    const { resolvedRequestType, resolvedResponseType } =
      protobufRoot().lookupService(P4RUNTIME_SERVICE).methods[name]!;
    const of = (type: protobuf.Type | null): Codec<unknown> => codec(type!.fullName.slice(1));
    return (codecs = { request: of(resolvedRequestType), response: of(resolvedResponseType) });
  };
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => asBuffer(lookup().request.encode(message)),
    requestDeserialize: (bytes) => lookup().request.decode(bytes) as Init<unknown>,
    responseSerialize: (message) => asBuffer(lookup().response.encode(message)),
    responseDeserialize: (bytes) => lookup().response.decode(bytes) as Init<unknown>,
    originalName: key,
  };
}

export const P4RuntimeService = Object.fromEntries(
  (Object.keys(Generated) as (keyof Methods)[]).map((key) => [key[0]!.toUpperCase() + key.slice(1), definition(key)]),
) as unknown as Service;

type Handler<Name extends MethodName> = Method<Name>['requestStream'] extends true
  ? handleBidiStreamingCall<Request<Name>, Init<Response<Name>>>
  : Method<Name>['responseStream'] extends true
    ? handleServerStreamingCall<Request<Name>, Init<Response<Name>>>
    : handleUnaryCall<Request<Name>, Init<Response<Name>>>;

/** What a server implements. */
export type P4RuntimeHandlers = UntypedServiceImplementation & { [Name in MethodName]: Handler<Name> };

type Unary<Request, Response> = (
  request: Init<Request>,
  metadata: Metadata,
  options: CallOptions,
  callback: requestCallback<Response>,
) => ClientUnaryCall;

type Call<Name extends MethodName> = Method<Name>['requestStream'] extends true
  ? (metadata?: Metadata, options?: CallOptions) => ClientDuplexStream<Init<Request<Name>>, Response<Name>>
  : Method<Name>['responseStream'] extends true
    ? (request: Init<Request<Name>>, metadata?: Metadata, options?: CallOptions) => ClientReadableStream<Response<Name>>
    : Unary<Request<Name>, Response<Name>>;

/** A raw client of the service: one method per call, no names, no state. */
export type P4RuntimeStub = Client & { [Name in MethodName]: Call<Name> };

/** `new P4RuntimeServiceClient(address, credentials, options)`, like every client of grpc-js. */
export const P4RuntimeServiceClient = makeClientConstructor(P4RuntimeService, P4RUNTIME_SERVICE) as unknown as new (
  ...args: ConstructorParameters<typeof Client>
) => P4RuntimeStub;

type UnaryName = Exclude<MethodName, 'Read' | 'StreamChannel'>;

/** A unary call as a promise. @throws grpc-js' ServiceError (see updateErrors in status.ts for a failed Write) */
export function unary<Name extends UnaryName>(
  stub: P4RuntimeStub,
  name: Name,
  request: Init<Request<Name>>,
  options: CallOptions = {},
): Promise<Response<Name>> {
  return new Promise((resolve, reject) => {
    const done: requestCallback<never> = (error, response) =>
      error ? reject(error) : resolve(response as unknown as Response<Name>);
    // All four methods have the same signature, but the compiler cannot infer that from the union of their names.
    (stub[name] as unknown as Unary<never, never>).call(stub, request as never, new Metadata(), options, done);
  });
}
