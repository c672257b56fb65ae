/**
 * One connection to a switch: channel, stream and mastership (P4Runtime 1.4, "Client Arbitration and
 * Controller Replication"). Ends for good when the stream ends; client.ts creates the next one.
 */
import {
  status as Code,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { P4RuntimeServiceClient as Stub, type P4RuntimeStub } from '../../p4runtime/service.js';
import { codeName } from '../../p4runtime/status.js';
import { fromUint128, toUint128 } from '../../p4runtime/uint128.js';
import type {
  Init,
  MasterArbitrationUpdate,
  StreamMessageRequest,
  StreamMessageResponse,
} from '../../p4runtime/messages.js';
import { ConnectError } from './errors.js';
import { grpcReason } from '../../protocol/grpc-reason.js';

export interface ConnectionOptions {
  readonly address: string;
  readonly deviceId: bigint;
  readonly electionId: bigint;
  /** Empty: the default role, which may do everything. */
  readonly role: string;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
}

export interface ConnectionEvents {
  /** After each arbitration update; `primaryId` is that of the current primary, 0 if there is none. */
  role(primary: boolean, primaryId: bigint): void;
  message(message: StreamMessageResponse): void;
  ended(error: ConnectError): void;
}

/** The pipeline of a wide build is some megabytes. */
const NO_LIMIT = -1;

export class Connection {
  readonly stub: P4RuntimeStub;
  readonly electionId: bigint;
  private readonly stream: ClientDuplexStream<Init<StreamMessageRequest>, StreamMessageResponse>;
  private over = false;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
    this.electionId = options.electionId;
    this.stub = new Stub(options.address, options.credentials, {
      'grpc.max_receive_message_length': NO_LIMIT,
      'grpc.max_send_message_length': NO_LIMIT,
      // A separate pool: otherwise grpc-js would apply another connection's back-off to this one.
      'grpc.use_local_subchannel_pool': 1,
      ...options.channelOptions,
    });
    this.stream = this.stub.StreamChannel();
    this.stream.on('data', (message: StreamMessageResponse) => this.receive(message));
    this.stream.on('error', (error: ServiceError) => this.end(error.code, error.details));
    this.stream.on('end', () => this.end(Code.OK, 'the server ended the stream'));
    this.send({ arbitration: this.arbitration() });
  }

  send(message: Init<StreamMessageRequest>): void {
    this.stream.write(message);
  }

  /** Ends the connection without an event. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.stream.cancel();
    this.stub.close();
  }

  private arbitration(): Init<MasterArbitrationUpdate> {
    const { deviceId, electionId, role } = this.options;
    return { deviceId, electionId: toUint128(electionId), ...(role !== '' && { role: { name: role } }) };
  }

  private receive(message: StreamMessageResponse): void {
    if (this.over) return;
    const { arbitration } = message;
    if (arbitration === undefined) {
      this.events.message(message);
      return;
    }
    const hasPrimary = arbitration.status?.code !== Code.NOT_FOUND;
    // Without a primary it is the highest id ever seen.
    const primaryId = hasPrimary && arbitration.electionId ? fromUint128(arbitration.electionId) : 0n;
    // In one interpretation of the specification the status is the same for all clients; the id is always reliable.
    this.events.role((arbitration.status?.code ?? Code.OK) === Code.OK && primaryId === this.electionId, primaryId);
  }

  private end(code: Code, details: string): void {
    if (this.over) return;
    this.close();
    const { address, deviceId } = this.options;
    this.events.ended(
      new ConnectError(
        `the P4Runtime stream to ${address} (device ${deviceId}) ended: ${codeName(code)}${details ? `, ${grpcReason(details)}` : ''}`,
        code,
      ),
    );
  }
}
