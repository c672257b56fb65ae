import { describe, expect, it } from 'vitest';
import { duplicateKey } from '../../cli/duplicate-key.js';

describe('keys that stand twice in JSON', () => {
  it.each([
    ['{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}', undefined],
    ['["a", "a", ":", "a"]', undefined],
    ['{"a": "a\\": {", "b": "\\"a\\":"}', undefined],
    ['{"a": 1, "a": 1}', 'a'],
    ['{"a": {"x": [], "y": {}, "x": 1}}', 'x'],
    ['[{}, {"k": [{"k": 1}], "k" : 2}]', 'k'],
    ['{"ab": 1, "\\u0061b": 2}', 'ab'],
    ['"a"', undefined],
  ])('%s', (text, key) => {
    expect(() => void JSON.parse(text)).not.toThrow();
    expect(duplicateKey(text)).toBe(key);
  });
});
