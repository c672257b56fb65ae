/** A connection to the controller's service. */
import * as grpc from '@grpc/grpc-js';
import { ControllerService } from '../../protocol/generated/fpisa.js';
import type { ControllerMessage, JobInfo, WorkerMessage } from './messages.js';

/** A connection that is silent for KEEPALIVE_MS is pinged, and closed if no answer arrives in KEEPALIVE_TIMEOUT_MS. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

export type MembershipStream = grpc.ClientDuplexStream<WorkerMessage, ControllerMessage>;

export class MembershipClient {
  private readonly client: grpc.Client;

  /** @param address `host:port` of the controller */
  constructor(address: string, credentials: grpc.ChannelCredentials) {
    this.client = new grpc.Client(address, credentials, {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      // Each attempt is a separate connection: the back-off is this class's, not the channel pool's.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  join(): MembershipStream {
    const { path, requestSerialize, responseDeserialize } = ControllerService.join;
    return this.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize as grpc.deserialize<ControllerMessage>,
    );
  }

  listJobs(deadlineMs: number): Promise<readonly JobInfo[]> {
    const { path, requestSerialize, responseDeserialize } = ControllerService.listJobs;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        {},
        new grpc.Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, response) => (error ? reject(error) : resolve(response!.jobs as readonly JobInfo[])),
      );
    });
  }

  close(): void {
    this.client.close();
  }
}
