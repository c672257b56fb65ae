/** A connection to the controller's service, typed by hand over protobufjs (protocol/service.ts). */
import * as grpc from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { loadService, SERVICE_NAME } from '../../protocol/service.js';
import type { ControllerMessage, JobInfo, WorkerMessage } from './messages.js';

/** Ping on a connection that is silent for this long, and give it up when no answer comes within the second. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** How messages of one type of the service are turned into objects and back. */
class Codec<T extends object> {
  constructor(private readonly type: protobuf.Type) {}

  readonly serialize = (message: T): Buffer => Buffer.from(this.type.encode(this.type.fromObject(message)).finish());

  readonly deserialize = (bytes: Buffer): T => {
    const message = this.type.decode(bytes);
    return this.type.toObject(message, { defaults: true, arrays: true, longs: Number, oneofs: false }) as T;
  };
}

export type MembershipStream = grpc.ClientDuplexStream<WorkerMessage, ControllerMessage>;

export class MembershipClient {
  private readonly client: grpc.Client;
  private readonly workerMessage: Codec<WorkerMessage>;
  private readonly controllerMessage: Codec<ControllerMessage>;
  private readonly listRequest: Codec<object>;
  private readonly listResponse: Codec<{ jobs: JobInfo[] }>;

  /** @param address `host:port` of the controller */
  constructor(address: string, credentials: grpc.ChannelCredentials, root: protobuf.Root = loadService()) {
    this.client = new grpc.Client(address, credentials, {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      // Each attempt is a connection of its own: the back-off is this side's, not the channel pool's.
      'grpc.use_local_subchannel_pool': 1,
    });
    const codec = <T extends object>(name: string) => new Codec<T>(root.lookupType(`fpisa.v1.${name}`));
    this.workerMessage = codec('WorkerMessage');
    this.controllerMessage = codec('ControllerMessage');
    this.listRequest = codec('ListJobsRequest');
    this.listResponse = codec('ListJobsResponse');
  }

  join(): MembershipStream {
    return this.client.makeBidiStreamRequest(
      `/${SERVICE_NAME}/Join`,
      this.workerMessage.serialize,
      this.controllerMessage.deserialize,
    );
  }

  listJobs(deadlineMs: number): Promise<JobInfo[]> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        `/${SERVICE_NAME}/ListJobs`,
        this.listRequest.serialize,
        this.listResponse.deserialize,
        {},
        new grpc.Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, response) => (error ? reject(error) : resolve(response!.jobs)),
      );
    });
  }

  close(): void {
    this.client.close();
  }
}
