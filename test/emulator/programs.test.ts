import { describe, expect, it } from 'vitest';
import {
  committedVersion,
  compileProgram,
  installedVersion,
  programJson,
  programNames,
  updatePrograms,
} from './support/programs.js';

// UPDATE_PROGRAMS=1 writes the JSON anew after a program was changed.
const installed = installedVersion();
if (installed !== undefined && process.env['UPDATE_PROGRAMS'] === '1') updatePrograms(installed);

const reason =
  installed === undefined
    ? 'p4c is not on PATH'
    : installed !== committedVersion()
      ? `p4c on PATH is "${installed}", the files were made by "${committedVersion()}"`
      : undefined;

describe(`compiled test programs are what p4c makes of their sources${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it.skipIf(reason !== undefined).each(programNames())('%s', (name) => {
    expect(programJson(name)).toBe(compileProgram(name));
  });

  it.each(programNames())('%s names no path of the machine that compiled it', (name) => {
    expect(programJson(name)).not.toMatch(/"\/|\.p4"/);
  });
});
