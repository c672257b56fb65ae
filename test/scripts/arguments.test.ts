/** Numbers and folders that the measurements are given, and those that they refuse. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { numberBetween, outputFolder, seconds, wholeNumber, wholeNumbers } from '../../scripts/arguments.js';

describe('a number of an option', () => {
  it('is taken within its bounds', () => {
    expect(wholeNumber('rounds', '1', 1, 3)).toBe(1);
    expect(wholeNumber('rounds', '3', 1, 3)).toBe(3);
    expect(wholeNumber('seed', '0', 0)).toBe(0);
    expect(wholeNumbers('values', '16,64', 1, 64)).toEqual([16, 64]);
    expect(numberBetween('scale', '0.5', 0.001, 10)).toBe(0.5);
    expect(seconds('3600')).toBe(3600);
  });

  it.each(['', ' ', '0', '4', '1.5', 'two', '1,2', 'Infinity', 'NaN'])('is refused with its bounds: %j', (text) => {
    expect(() => wholeNumber('rounds', text, 1, 3)).toThrow(`--rounds is a whole number from 1 to 3, not '${text}'`);
  });

  it('is refused wherever it stands in a list', () => {
    expect(() => wholeNumbers('values', '16,,64', 1, 64)).toThrow("--values is a whole number from 1 to 64, not ''");
    expect(() => wholeNumbers('values', '16,65', 1, 64)).toThrow("not '65'");
  });

  it.each(['', '0', '0.09', '3601', 'x'])('of seconds is refused: %j', (text) => {
    expect(() => seconds(text)).toThrow(`--seconds is a number from 0.1 to 3600, not '${text}'`);
  });

  it('without an upper bound says the lower one', () => {
    expect(() => wholeNumber('seed', '-1', 0)).toThrow("--seed is a whole number of at least 0, not '-1'");
  });
});

it('makes the folder of the results, and refuses what cannot be one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-arguments-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const nested = join(folder, 'a', 'b');
  expect(outputFolder('out', nested)).toBe(nested);
  expect(existsSync(nested)).toBe(true);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => outputFolder('out', join(file, 'c'))).toThrow(`--out: nothing can be written to '${join(file, 'c')}'`);
});
