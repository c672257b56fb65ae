import { HOLDER, WORD, type ControlBlock } from './control-block.js';

/**
 * Guards what both threads share. The packet thread holds it for a batch of packets, the main thread for one operation
 * of the control plane; while the main thread waits, the packet thread does not take it again, so that no load can
 * starve writes.
 */
export class PacketLock {
  constructor(private readonly block: ControlBlock) {}

  acquire(): void {
    const { words } = this.block;
    for (;;) {
      while (Atomics.load(words, WORD.mainWaits) === 1) Atomics.wait(words, WORD.mainWaits, 1);
      const holder = Atomics.compareExchange(words, WORD.lock, HOLDER.nobody, HOLDER.packets);
      if (holder === HOLDER.nobody) return;
      Atomics.wait(words, WORD.lock, holder);
    }
  }

  release(): void {
    const { words } = this.block;
    Atomics.store(words, WORD.lock, HOLDER.nobody);
    if (Atomics.load(words, WORD.mainWaits) === 1) this.ring();
  }

  /** The thread ends, with an error or not: the main thread need not wait for it any more. */
  end(): void {
    const { words } = this.block;
    Atomics.store(words, WORD.ended, 1);
    Atomics.store(words, WORD.lock, HOLDER.nobody);
    this.ring();
  }

  private ring(): void {
    Atomics.add(this.block.words, WORD.doorbell, 1);
    Atomics.notify(this.block.words, WORD.doorbell);
  }
}

/**
 * The same lock for the main thread. While it waits, it executes the calls of the packet thread, which may hold the
 * lock.
 */
export class MainLock {
  private depth = 0;

  constructor(
    private readonly block: ControlBlock,
    private readonly answer: () => void,
  ) {}

  /** Runs a task while no packet is being processed. */
  hold<T>(task: () => T): T {
    this.acquire();
    try {
      return task();
    } finally {
      this.release();
    }
  }

  private acquire(): void {
    if (this.depth++ > 0) return;
    const { words } = this.block;
    if (Atomics.compareExchange(words, WORD.lock, HOLDER.nobody, HOLDER.main) === HOLDER.nobody) return;
    Atomics.store(words, WORD.mainWaits, 1);
    for (;;) {
      const rung = Atomics.load(words, WORD.doorbell);
      this.answer();
      if (Atomics.compareExchange(words, WORD.lock, HOLDER.nobody, HOLDER.main) === HOLDER.nobody) break;
      Atomics.wait(words, WORD.doorbell, rung);
    }
    Atomics.store(words, WORD.mainWaits, 0);
    Atomics.notify(words, WORD.mainWaits);
    // A call made without the lock while `mainWaits` was set has not woken this thread.
    this.answer();
  }

  private release(): void {
    if (--this.depth > 0) return;
    const { words } = this.block;
    Atomics.store(words, WORD.lock, HOLDER.nobody);
    Atomics.notify(words, WORD.lock);
  }
}
