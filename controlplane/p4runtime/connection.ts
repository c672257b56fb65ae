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
import { toUint128 } from '../../p4runtime/uint128.js';
import type {
  Init,
  MasterArbitrationUpdate,
  StreamMessageRequest,
  StreamMessageResponse,
} from '../../p4runtime/messages.js';
import { Election, type Candidate, type Role } from './election.js';
import { ConnectError } from './errors.js';
import { grpcReason } from '../../protocol/grpc-reason.js';

export interface ConnectionOptions {
  readonly address: string;
  readonly deviceId: bigint;
  /** A number: the only bid. */
  readonly candidate: bigint | Candidate;
  /** Empty: the default role, which may do everything. */
  readonly role: string;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
}

export interface ConnectionEvents {
  role(role: Role): void;
  message(message: StreamMessageResponse): void;
  ended(error: ConnectError): void;
}

/** The pipeline of a wide build is some megabytes. */
const NO_LIMIT = -1;

export class Connection {
  readonly stub: P4RuntimeStub;
  private readonly election: Election;
  private readonly stream: ClientDuplexStream<Init<StreamMessageRequest>, StreamMessageResponse>;
  private over = false;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: ConnectionEvents,
  ) {
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
    this.election = new Election(options.candidate, {
      arbitrate: (electionId) => this.send({ arbitration: this.arbitration(electionId) }),
      role: (role) => events.role(role),
    });
    this.election.start();
  }

  get electionId(): bigint {
    return this.election.electionId;
  }

  send(message: Init<StreamMessageRequest>): void {
    this.stream.write(message);
  }

  /** Ends the connection without an event. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.election.stop();
    this.stream.cancel();
    this.stub.close();
  }

  private arbitration(electionId: bigint | undefined): Init<MasterArbitrationUpdate> {
    const { deviceId, role } = this.options;
    return {
      deviceId,
      ...(electionId !== undefined && { electionId: toUint128(electionId) }),
      ...(role !== '' && { role: { name: role } }),
    };
  }

  private receive(message: StreamMessageResponse): void {
    if (this.over) return;
    const { arbitration } = message;
    if (arbitration === undefined) this.events.message(message);
    else this.election.answer(arbitration);
  }

  private end(code: Code, details: string): void {
    if (this.over) return;
    this.close();
    const { address, deviceId } = this.options;
    if (code === Code.UNIMPLEMENTED) {
      this.events.ended(new ConnectError(`the server at ${address} is no P4Runtime server (UNIMPLEMENTED)`, code));
      return;
    }
    this.events.ended(
      new ConnectError(
        `the P4Runtime stream to ${address} (device ${deviceId}) ended: ${codeName(code)}${details ? `, ${grpcReason(details)}` : ''}`,
        code,
      ),
    );
  }
}
