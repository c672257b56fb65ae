import { Dice } from '../dice.js';
import { LoopMaker } from './loop-maker.js';
import { loopProgram, type RegisterShape } from './loop-program.js';

const LOOPS = 3;
const REGISTERS = 5;
const REGISTER_WIDTHS = [1, 8, 16, 31, 32, 32, 32, 33, 48, 64];

/**
 * BMv2 JSON of a program whose actions are loops over registers, the same for the same seed. Most loops can become
 * vector code; in others a pass depends on the one before it, leaves early, or has an index out of range.
 */
export function randomLoops(seed: number): string {
  const dice = new Dice(seed);
  const registers = Array.from({ length: REGISTERS }, (_, i): RegisterShape => ({
    name: `r${i}`,
    width: dice.pick(REGISTER_WIDTHS),
    size: dice.pick([16, 40, 64, 64]),
  }));
  const actions = Array.from({ length: LOOPS }, () => new LoopMaker(dice, registers).make());
  return loopProgram(registers, actions);
}
