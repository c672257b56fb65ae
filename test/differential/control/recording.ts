/** BMv2's results of the scripts, as a file: their lines, and the P4Info that a replay needs and only p4c makes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { p4infoOf } from '../programs.js';
import { hashOf, RECORD_COMMAND } from '../trace-file.js';
import { ControlledSwitch } from './controlled-switch.js';
import { featuresFile } from './features-file.js';
import type { Script } from './scripts.js';

const FILE = new URL('../traces/control.json', import.meta.url);

interface Recording {
  /** Version of the simple_switch_grpc that was recorded. */
  readonly bmv2: string;
  /** By program. */
  readonly p4info: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, { readonly programHash: string; readonly lines: readonly string[] }>>;
}

export function readRecording(): Recording {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
}

/** @throws an Error that says what to do when the script's program has changed */
export function recordedLines({ scripts }: Recording, { name, json }: Script): readonly string[] {
  const recorded = scripts[name];
  if (recorded?.programHash !== hashOf(json()))
    throw new Error(
      `the program of "${name}" has changed since it was recorded; record it anew with "${RECORD_COMMAND}"`,
    );
  return recorded.lines;
}

export async function linesOf(target: ControlledSwitch, script: Script, p4info: string): Promise<string[]> {
  try {
    await target.load(script.json(), p4info);
    return await script.run(target);
  } finally {
    await target.stop();
  }
}

/** Runs the scripts on BMv2, each on its own switch. */
export async function recordScripts(bmv2: string, scripts: readonly Script[]): Promise<void> {
  const p4info: Record<string, string> = {};
  const recorded: Record<string, { programHash: string; lines: string[] }> = {};
  for (const script of scripts) {
    const { name, program } = script;
    const text = (p4info[program] ??=
      program === 'features' ? featuresFile('features.p4info.txtpb') : p4infoOf(`program-${program}`));
    recorded[name] = {
      programHash: hashOf(script.json()),
      lines: await linesOf(await ControlledSwitch.bmv2(), script, text),
    };
  }
  writeFileSync(FILE, `${JSON.stringify({ bmv2, p4info, scripts: recorded } satisfies Recording, null, 2)}\n`);
}
