import { describe, expect, it } from 'vitest';
import { CALL, ControlBlock, HOLDER, WORD } from '../../../emulator/dataplane/control-block.js';
import { MainLock } from '../../../emulator/dataplane/lock.js';

describe('the main thread, when it gets the lock', () => {
  it('answers a call that came when it was no longer waiting for one', () => {
    const block = new ControlBlock();
    const { words } = block;
    words[WORD.lock] = HOLDER.packets;
    let looks = 0;
    const lock = new MainLock(block, () => {
      looks++;
      if (looks === 1) {
        // The packet thread leaves the lock and makes a call. It sees that the main thread waits, so it sends no message.
        expect(words[WORD.mainWaits]).toBe(1);
        words[WORD.lock] = HOLDER.nobody;
        words[WORD.call] = CALL.asked;
      } else if (words[WORD.call] === CALL.asked) words[WORD.call] = CALL.answered;
    });
    lock.hold(() => expect(words[WORD.lock]).toBe(HOLDER.main));
    expect(words[WORD.call]).toBe(CALL.answered);
    expect([words[WORD.lock], words[WORD.mainWaits]]).toEqual([HOLDER.nobody, 0]);
  });

  it('has it once, however often it asks', () => {
    const block = new ControlBlock();
    const lock = new MainLock(block, () => {});
    lock.hold(() => {
      lock.hold(() => {});
      expect(block.words[WORD.lock]).toBe(HOLDER.main);
    });
    expect(block.words[WORD.lock]).toBe(HOLDER.nobody);
  });
});
