/** A worker's side of the session protocol, over real gRPC, with a script instead of packets. */
import { randomBytes } from 'node:crypto';
import { Client, credentials, makeClientConstructor, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { ControllerService } from '../../controlplane/service/definition.js';
import { CONTROLLER_SERVICE } from '../../protocol/service.js';
import type { ControllerMessage, FailedMessage, HelloMessage, WorkerMessage } from '../../controlplane/messages.js';

type Stream = ClientDuplexStream<WorkerMessage, ControllerMessage>;

export class FakeWorker {
  readonly received: ControllerMessage[] = [];
  readonly process: string;
  /** What it answers Membership with; undefined: nothing. */
  standing: { completed: number; received: number } | undefined = { completed: 0, received: 0 };
  private readonly client: Client & { join(): Stream };
  private readonly stream: Stream;
  private readonly watchers = new Set<() => void>();
  private end: ServiceError | 'ended' | undefined;

  /** @param hello undefined: it says nothing */
  constructor(port: number, hello: (Partial<HelloMessage> & { job: string; rank: number }) | undefined) {
    this.process = hello?.process ?? randomBytes(16).toString('hex');
    const constructor = makeClientConstructor(ControllerService, CONTROLLER_SERVICE);
    this.client = new constructor(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    }) as never;
    this.stream = this.client.join();
    this.stream.on('data', (message: ControllerMessage) => {
      this.received.push(message);
      if ('membership' in message && this.standing)
        this.stream.write({ progress: { epoch: message.membership.epoch, ...this.standing } });
      this.changed();
    });
    this.stream.on('error', (error: ServiceError) => this.ended(error));
    this.stream.on('end', () => this.ended('ended'));
    if (hello === undefined) return;
    this.stream.write({
      hello: {
        ip: '127.0.0.1',
        udpPort: 40_000 + hello.rank,
        mac: '',
        switchPort: 0,
        completed: 0,
        switchName: '',
        announcements: [],
        followsPacketValues: false,
        ...hello,
        process: this.process,
      },
    });
  }

  /** Waits until the messages received so far make `find` return something. */
  async until<T>(find: (received: readonly ControllerMessage[]) => T | undefined): Promise<T> {
    for (;;) {
      const found = find(this.received);
      if (found !== undefined) return found;
      if (this.end !== undefined) throw this.end === 'ended' ? new Error('the controller ended the stream') : this.end;
      await new Promise<void>((resolve) => this.watchers.add(resolve));
    }
  }

  welcome() {
    return this.until((all) => all.flatMap((message) => ('welcome' in message ? [message.welcome] : []))[0]);
  }

  /** The Resume of an epoch of at least `epoch`. */
  resume(epoch: number) {
    return this.until(
      (all) =>
        all.flatMap((message) => ('resume' in message && message.resume.epoch >= epoch ? [message.resume] : []))[0],
    );
  }

  membership(epoch: number) {
    return this.until(
      (all) =>
        all.flatMap((message) =>
          'membership' in message && message.membership.epoch >= epoch ? [message.membership] : [],
        )[0],
    );
  }

  aborted() {
    return this.until((all) => all.flatMap((message) => ('aborted' in message ? [message.aborted] : []))[0]);
  }

  missing() {
    return this.until((all) => all.flatMap((message) => ('missing' in message ? [message.missing] : []))[0]);
  }

  membersLost() {
    return this.until((all) => all.flatMap((message) => ('membersLost' in message ? [message.membersLost] : []))[0]);
  }

  /** The status with which the controller ended the stream. */
  async error(): Promise<ServiceError> {
    while (this.end === undefined) await new Promise<void>((resolve) => this.watchers.add(resolve));
    if (this.end === 'ended') throw new Error('the stream ended without an error');
    return this.end;
  }

  send(message: WorkerMessage): void {
    this.stream.write(message);
  }

  fail(operation: number, message: string): void {
    const failed: FailedMessage = { operation, code: 'SHAPE', message, shape: '4,5' };
    this.send({ failed });
  }

  leave(): void {
    this.send({ leave: {} });
  }

  /** As a killed process: the connection goes without a word. */
  kill(): void {
    this.stream.on('error', () => undefined);
    this.stream.cancel();
    this.client.close();
  }

  private ended(end: ServiceError | 'ended'): void {
    this.end ??= end;
    this.changed();
  }

  private changed(): void {
    for (const resolve of this.watchers) resolve();
    this.watchers.clear();
  }
}
