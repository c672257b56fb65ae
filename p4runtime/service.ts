/** The gRPC service p4.v1.P4Runtime for grpc-js, for servers and clients alike. */
import type {
  ClientDuplexStream,
  ClientReadableStream,
  ClientUnaryCall,
  CallOptions,
  Client,
  MethodDefinition,
  requestCallback,
  ServiceDefinition,
  UntypedServiceImplementation,
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from '@grpc/grpc-js';
import { Metadata, makeClientConstructor } from '@grpc/grpc-js';
import { codec } from './codec.js';
import type {
  CapabilitiesRequest,
  CapabilitiesResponse,
  GetForwardingPipelineConfigRequest,
  GetForwardingPipelineConfigResponse,
  Init,
  ReadRequest,
  ReadResponse,
  SetForwardingPipelineConfigRequest,
  SetForwardingPipelineConfigResponse,
  StreamMessageRequest,
  StreamMessageResponse,
  WriteRequest,
  WriteResponse,
} from './messages.js';

export const SERVICE_NAME = 'p4.v1.P4Runtime';

function method<Request, Response>(
  name: string,
  request: string,
  response: string,
  streams: { request?: true; response?: true } = {},
): MethodDefinition<Init<Request>, Init<Response>> {
  const requests = codec<Request>(`p4.v1.${request}`);
  const responses = codec<Response>(`p4.v1.${response}`);
  return {
    path: `/${SERVICE_NAME}/${name}`,
    requestStream: streams.request ?? false,
    responseStream: streams.response ?? false,
    requestSerialize: (message) => Buffer.from(requests.encode(message).buffer),
    requestDeserialize: (bytes) => requests.decode(bytes) as Init<Request>,
    responseSerialize: (message) => Buffer.from(responses.encode(message).buffer),
    responseDeserialize: (bytes) => responses.decode(bytes) as Init<Response>,
    originalName: name[0]!.toLowerCase() + name.slice(1),
  };
}

export const P4RuntimeService = {
  Write: method<WriteRequest, WriteResponse>('Write', 'WriteRequest', 'WriteResponse'),
  Read: method<ReadRequest, ReadResponse>('Read', 'ReadRequest', 'ReadResponse', { response: true }),
  SetForwardingPipelineConfig: method<SetForwardingPipelineConfigRequest, SetForwardingPipelineConfigResponse>(
    'SetForwardingPipelineConfig',
    'SetForwardingPipelineConfigRequest',
    'SetForwardingPipelineConfigResponse',
  ),
  GetForwardingPipelineConfig: method<GetForwardingPipelineConfigRequest, GetForwardingPipelineConfigResponse>(
    'GetForwardingPipelineConfig',
    'GetForwardingPipelineConfigRequest',
    'GetForwardingPipelineConfigResponse',
  ),
  StreamChannel: method<StreamMessageRequest, StreamMessageResponse>(
    'StreamChannel',
    'StreamMessageRequest',
    'StreamMessageResponse',
    { request: true, response: true },
  ),
  Capabilities: method<CapabilitiesRequest, CapabilitiesResponse>(
    'Capabilities',
    'CapabilitiesRequest',
    'CapabilitiesResponse',
  ),
} satisfies ServiceDefinition;

/** What a server implements. */
export interface P4RuntimeHandlers extends UntypedServiceImplementation {
  Write: handleUnaryCall<WriteRequest, Init<WriteResponse>>;
  Read: handleServerStreamingCall<ReadRequest, Init<ReadResponse>>;
  SetForwardingPipelineConfig: handleUnaryCall<
    SetForwardingPipelineConfigRequest,
    Init<SetForwardingPipelineConfigResponse>
  >;
  GetForwardingPipelineConfig: handleUnaryCall<
    GetForwardingPipelineConfigRequest,
    Init<GetForwardingPipelineConfigResponse>
  >;
  StreamChannel: handleBidiStreamingCall<StreamMessageRequest, Init<StreamMessageResponse>>;
  Capabilities: handleUnaryCall<CapabilitiesRequest, Init<CapabilitiesResponse>>;
}

type Unary<Request, Response> = (
  request: Init<Request>,
  metadata: Metadata,
  options: CallOptions,
  callback: requestCallback<Response>,
) => ClientUnaryCall;

/** A raw client of the service: one method a call, no names, no state. */
export interface P4RuntimeStub extends Client {
  Write: Unary<WriteRequest, WriteResponse>;
  Read(request: Init<ReadRequest>, metadata?: Metadata, options?: CallOptions): ClientReadableStream<ReadResponse>;
  SetForwardingPipelineConfig: Unary<SetForwardingPipelineConfigRequest, SetForwardingPipelineConfigResponse>;
  GetForwardingPipelineConfig: Unary<GetForwardingPipelineConfigRequest, GetForwardingPipelineConfigResponse>;
  StreamChannel(
    metadata?: Metadata,
    options?: CallOptions,
  ): ClientDuplexStream<Init<StreamMessageRequest>, StreamMessageResponse>;
  Capabilities: Unary<CapabilitiesRequest, CapabilitiesResponse>;
}

/** `new P4RuntimeClient(address, credentials, options)`, as every client of grpc-js. */
export const P4RuntimeClient = makeClientConstructor(P4RuntimeService, SERVICE_NAME) as unknown as new (
  ...args: ConstructorParameters<typeof Client>
) => P4RuntimeStub;

type UnaryName = 'Write' | 'SetForwardingPipelineConfig' | 'GetForwardingPipelineConfig' | 'Capabilities';
type RequestOf<Name extends UnaryName> = Parameters<P4RuntimeStub[Name]>[0];
type ResponseOf<Name extends UnaryName> = P4RuntimeStub[Name] extends Unary<never, infer Response> ? Response : never;

/** A unary call as a promise. @throws grpc-js' ServiceError (see updateErrors in status.ts for a failed Write) */
export function unary<Name extends UnaryName>(
  stub: P4RuntimeStub,
  name: Name,
  request: RequestOf<Name>,
  options: CallOptions = {},
): Promise<ResponseOf<Name>> {
  return new Promise((resolve, reject) => {
    const done: requestCallback<never> = (error, response) =>
      error ? reject(error) : resolve(response as ResponseOf<Name>);
    // The four share a shape, which the compiler cannot see through the union of their names.
    (stub[name] as Unary<never, never>).call(stub, request as never, new Metadata(), options, done);
  });
}
