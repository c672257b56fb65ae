/** Client of the controller for the command line and other programs: promises, and readable errors. */
import {
  Client,
  credentials,
  makeClientConstructor,
  Metadata,
  status,
  type ChannelCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import { parseHostPort } from '../../net/host-port.js';
import { ControllerUnreachableError, FpisaError, NotAControllerError } from '../../protocol/errors.js';
import { CONTROLLER_SERVICE } from '../../protocol/service.js';
import type {
  CreateJobRequest,
  JobMessage,
  SlotReportMessage,
  StatusMessage,
  SwitchStatusMessage,
} from '../messages.js';
import { InvalidAddressError } from '../errors.js';
import { CODE_TRAILER, ControllerService } from './definition.js';
import * as wire from '../../protocol/generated/fpisa.js';
import { grpcReason } from '../../protocol/grpc-reason.js';

/** The controller refused or failed the request. Message and `code` are those of the controller. */
export class ControllerCallError extends FpisaError {
  constructor(
    message: string,
    /** That of the controller's error, for example `FPISA_UNKNOWN_JOB`; `FPISA_INTERNAL` for an unexpected one. */
    readonly code: string,
    readonly status: status,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface ControllerClientOptions {
  readonly credentials?: ChannelCredentials;
  /** Of each call, in milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

type Definition = typeof ControllerService;
type UnaryName = Exclude<keyof Definition, 'join'>;
type RequestOf<Name extends UnaryName> = Parameters<Definition[Name]['requestSerialize']>[0];
type ResponseOf<Name extends UnaryName> = ReturnType<Definition[Name]['responseDeserialize']>;
type Callback = (error: ServiceError | null, response?: unknown) => void;
type Call = (request: unknown, metadata: Metadata, options: { deadline: number }, callback: Callback) => void;

/** @throws ControllerCallError, ControllerUnreachableError, NotAControllerError from every call */
export class ControllerClient {
  private readonly client: Client & Record<UnaryName, Call>;
  private readonly timeoutMs: number;

  /** @param address `host:port`. Connects at the first call. @throws InvalidAddressError */
  constructor(
    readonly address: string,
    options: ControllerClientOptions = {},
  ) {
    if (parseHostPort(address) === undefined)
      throw new InvalidAddressError(`controller is "${address}"; the form is host:port, for example 127.0.0.1:9600`);
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const constructor = makeClientConstructor(ControllerService, CONTROLLER_SERVICE);
    this.client = new constructor(address, options.credentials ?? credentials.createInsecure()) as unknown as Client &
      Record<UnaryName, Call>;
  }

  createJob(request: CreateJobRequest): Promise<JobMessage> {
    return this.call('createJob', wire.CreateJobRequest.fromPartial(request)) as Promise<JobMessage>;
  }

  async listJobs(): Promise<JobMessage[]> {
    return [...(await this.call('listJobs', {})).jobs] as JobMessage[];
  }

  getJob(name: string): Promise<JobMessage> {
    return this.call('getJob', { name }) as Promise<JobMessage>;
  }

  async deleteJob(name: string, options: { force?: boolean } = {}): Promise<void> {
    await this.call('deleteJob', { name, force: options.force ?? false });
  }

  async getStatus(): Promise<StatusMessage> {
    const { switches, ...status } = await this.call('getStatus', {});
    return {
      ...status,
      switches: switches.map((each) => ({ ...each, parent: each.parent ?? null }) as SwitchStatusMessage),
    };
  }

  async probeJob(name: string): Promise<SlotReportMessage[]> {
    return [...(await this.call('probeJob', { name })).slots];
  }

  close(): void {
    this.client.close();
  }

  private call<Name extends UnaryName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    return new Promise((resolve, reject) => {
      const done: Callback = (error, response) =>
        error ? reject(this.readable(error)) : resolve(response as ResponseOf<Name>);
      this.client[name](request, new Metadata(), { deadline: Date.now() + this.timeoutMs }, done);
    });
  }

  private readable(error: ServiceError): ControllerCallError | ControllerUnreachableError | NotAControllerError {
    const code = error.metadata?.get(CODE_TRAILER)[0];
    if (typeof code === 'string') return new ControllerCallError(error.details, code, error.code, { cause: error });
    if (error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED) {
      const message = `no controller answers at ${this.address}: ${grpcReason(error.details)}`;
      return new ControllerUnreachableError(message, { cause: error });
    }
    if (error.code === status.UNIMPLEMENTED) return new NotAControllerError(this.address, { cause: error });
    return new ControllerCallError(
      `the controller at ${this.address} failed: ${grpcReason(error.details)}`,
      'FPISA_INTERNAL',
      error.code,
      { cause: error },
    );
  }
}
