/** One worker's Join call: connects the stream's events to the job's session. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { SessionProtocolError, type ControlPlaneError } from '../errors.js';
import type { Controller } from '../controller/controller.js';
import type { MemberLink } from '../controller/job-records.js';
import type { JobSession } from '../controller/job-session.js';
import type { ControllerMessage, WorkerMessage } from '../messages.js';
import { serviceStatus } from './status.js';

export type JoinCall = ServerDuplexStream<WorkerMessage, ControllerMessage>;

export class JoinStream implements MemberLink {
  /** Set by the first Hello. */
  private place: { session: JobSession; rank: number } | undefined;
  /** Nothing may be written to the call after this is set. */
  private over = false;
  private readonly helloTimer: NodeJS.Timeout;

  /** @param helloTimeoutMs a call without Hello would last as long as its connection, and nothing would show it */
  constructor(
    private readonly controller: Controller,
    private readonly call: JoinCall,
    helloTimeoutMs: number,
  ) {
    this.helloTimer = setTimeout(
      () => this.finish(new SessionProtocolError(`no Hello arrived on a Join stream within ${helloTimeoutMs} ms`)),
      helloTimeoutMs,
    );
    this.helloTimer.unref();
    call.on('data', (message: WorkerMessage) => this.guard(() => this.receive(message)));
    // The worker closed its half without Leave: it ended without notice.
    call.on('end', () => this.guard(() => this.lost()));
    // Connection reset, keepalive expired, or cancelled by the worker.
    call.on('cancelled', () => this.guard(() => this.lost()));
  }

  send(message: ControllerMessage): void {
    if (!this.over) this.call.write(message);
  }

  end(error?: ControlPlaneError): void {
    this.finish(error);
  }

  private finish(error: unknown): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.helloTimer);
    // grpc-js ends a call with the status of an error that is emitted on it.
    if (error === undefined) this.call.end();
    else this.call.emit('error', serviceStatus(error));
  }

  private receive(message: WorkerMessage): void {
    if (this.over) return;
    if (message.hello) {
      if (this.place)
        throw new SessionProtocolError(
          'Hello was sent twice on one Join stream; open another stream for another worker',
        );
      this.place = this.controller.join(message.hello, this);
      clearTimeout(this.helloTimer);
      return;
    }
    if (this.place === undefined) throw new SessionProtocolError('the first message on a Join stream must be Hello');
    const { session, rank } = this.place;
    if (message.progress) session.progressed(rank, this, message.progress);
    else if (message.failed) session.failed(rank, this, message.failed);
    else if (message.submitted) session.submitted(rank, this, message.submitted);
    else if (message.path) session.path(rank, this, message.path);
    else if (message.leave) session.leave(rank, this);
  }

  private lost(): void {
    this.place?.session.disconnected(this.place.rank, this);
    this.finish(undefined);
  }

  /** An error in one worker's call ends that call, and no other. */
  private guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.finish(error);
      this.place?.session.disconnected(this.place.rank, this);
    }
  }
}
