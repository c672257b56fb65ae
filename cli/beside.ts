/** What a command starts beside itself, ended in the reverse order. */

type Ending = (failure?: Error) => void | Promise<void>;

export class Beside {
  private readonly endings: Ending[] = [];
  private over: { readonly failure: Error | undefined } | undefined;

  /**
   * @param end is called once
   * @throws Error when all has been ended, since whoever is still at work has not heard of it: then this, too, is ended at once
   */
  add<T>(thing: T, end: Ending): T {
    if (this.over !== undefined) {
      const { failure } = this.over;
      void Promise.resolve(end(failure)).catch(() => undefined);
      throw failure ?? new Error('what it was started for is over');
    }
    this.endings.push(end);
    return thing;
  }

  /**
   * Ends all that was added, whatever fails on the way.
   * @param failure why it is not needed any more, if something went wrong
   * @throws Error the first that an ending throws
   */
  async end(failure?: Error): Promise<void> {
    this.over = { failure };
    const errors: unknown[] = [];
    for (const ending of this.endings.splice(0).reverse()) {
      try {
        await ending(failure);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
