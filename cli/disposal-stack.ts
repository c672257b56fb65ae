/**
 * Ends what a command has started, in the reverse order: like the language's AsyncDisposableStack, but each part is
 * told why it ends, and what is added after the end is ended immediately.
 */

type Dispose = (failure?: Error) => void | Promise<void>;

export class DisposalStack {
  private readonly parts: Dispose[] = [];
  private over: { readonly failure: Error | undefined } | undefined;

  /**
   * @param dispose is called once
   * @throws Error after `dispose`, so that code that still runs notices: then this, too, is ended immediately
   */
  add<T>(thing: T, dispose: Dispose): T {
    if (this.over !== undefined) {
      const { failure } = this.over;
      void Promise.resolve(dispose(failure)).catch(() => undefined);
      throw failure ?? new Error('the command has already ended');
    }
    this.parts.push(dispose);
    return thing;
  }

  /**
   * Ends everything that was added, whatever fails on the way.
   * @param failure why it is not needed any more, if something went wrong
   * @throws Error the first that a part throws
   */
  async dispose(failure?: Error): Promise<void> {
    this.over = { failure };
    const errors: unknown[] = [];
    for (const dispose of this.parts.splice(0).reverse()) {
      try {
        await dispose(failure);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
