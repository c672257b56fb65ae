/** Holds a worker back until the switch accepts the rows of a stream. */

export class StreamGate {
  private readonly streams = new Set<number>();
  private waiting:
    { readonly stream: number; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  private closedBy: Error | undefined;

  open(stream: number): void {
    this.streams.add(stream);
    if (this.waiting?.stream === stream) this.waiting.resolve();
  }

  /** One at a time. Rejects with the error given to {@link close}. */
  opened(stream: number): Promise<void> {
    if (this.closedBy !== undefined) return Promise.reject(this.closedBy);
    if (this.streams.has(stream)) return Promise.resolve();
    return new Promise((resolve, reject) => (this.waiting = { stream, resolve, reject }));
  }

  /** Ends the wait. */
  close(error: Error): void {
    this.closedBy = error;
    this.waiting?.reject(error);
  }
}
