import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Repetitions } from '../../cli/repetitions.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function reports(): { lines: string[]; say(line: string): void } {
  const lines: string[] = [];
  const repetitions = new Repetitions<string>((line, more) => lines.push(`${line} (${more} more times)`), 1_000);
  return { lines, say: (line) => void (repetitions.isFirst(line, line) && lines.push(line)) };
}

it('128 equal lines are one line and a count', () => {
  const { lines, say } = reports();
  for (let i = 0; i < 128; i++) say('no program');
  expect(lines).toEqual(['no program']);
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(['no program', 'no program (127 more times)']);
});

it('a flood that goes on is a count for each window; after a quiet one the line comes again', () => {
  const { lines, say } = reports();
  say('a');
  say('a');
  vi.advanceTimersByTime(1_000);
  say('a');
  say('b');
  vi.advanceTimersByTime(1_000);
  expect(lines).toEqual(['a', 'a (1 more times)', 'b', 'a (1 more times)']);
  vi.advanceTimersByTime(1_000);
  say('a');
  expect(lines.at(-1)).toBe('a');
});
