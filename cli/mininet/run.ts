/** One run of `fpisa mininet`, inside the namespaces that were created for it. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { counted } from '../../net/count.js';
import { makeFolderSync } from '../../net/folder.js';
import type { NumericProfile } from '../../arithmetic/index.js';
import { unlessInterrupted } from '../signals.js';
import { parseCommand, readCommands } from './control.js';
import { inputsFor, readInputs } from './inputs.js';
import { Network } from './network.js';
import { verify, type MininetReport } from './report.js';
import type { SwitchKind } from './requirements.js';

export interface MininetOptions {
  readonly python: string;
  readonly switch: SwitchKind;
  /** Undefined: as many as the topology has. */
  readonly workers?: number;
  /** In the form of `mn --topo`. */
  readonly topo: string;
  readonly custom?: string;
  readonly loss: number;
  /** Milliseconds. */
  readonly delay: number;
  /** Mbit/s. */
  readonly bw?: number;
  readonly in?: string;
  readonly values: number;
  readonly profile: string;
  /** Of the job. */
  readonly elastic: boolean;
  readonly minWorkers?: number;
  /** Folder that stays, with configuration, logs and sums. */
  readonly keep?: string;
  readonly cli: boolean;
  /** Read commands from standard input. */
  readonly control: boolean;
  readonly signal: AbortSignal;
  /** For people. */
  readonly onStage: (text: string) => void;
  /** For programs. */
  readonly onEvent: (event: MininetEvent) => void;
  /** Share of all workers' work that is done, 0 to 1. */
  readonly onProgress: (share: number) => void;
  /** A verdict at the prompt, where there may be any number of them. */
  readonly onReport: (report: MininetReport) => void;
}

/** A line of `--events`. */
export type MininetEvent =
  | { readonly event: 'started'; readonly switches: readonly string[]; readonly workers: number }
  | { readonly event: 'progress'; readonly share: number }
  | { readonly event: 'done'; readonly command: unknown }
  | { readonly event: 'refused'; readonly command: string; readonly error: string };

/** Name of the switch class in `fpisa_topo.py`. */
const SWITCH_CLASS: Readonly<Record<SwitchKind, string>> = { bmv2: 'bmv2', emulator: 'fpisa' };

/**
 * @returns the verdict; undefined after a prompt
 * @throws NetworkError, ChildError, UsageError, FileError, InterruptedError at the signal
 */
export async function runMininet(options: MininetOptions): Promise<MininetReport | undefined> {
  const started = performance.now();
  // Errors in the files should be reported before a network is built for them.
  if (options.workers !== undefined) await readInputs(inputsFor(options.workers, options.in), options.workers);
  const directory =
    options.keep === undefined ? await mkdtemp(join(tmpdir(), 'fpisa-mininet-')) : resolve(options.keep);
  makeFolderSync(directory);
  // A new network namespace begins with its loopback interface down.
  spawnSync('ip', ['link', 'set', 'lo', 'up']);
  const network = new Network({
    python: options.python,
    directory,
    profile: options.profile,
    elastic: options.elastic,
    ...(options.minWorkers !== undefined && { minWorkers: options.minWorkers }),
    spec: {
      switch: SWITCH_CLASS[options.switch],
      topo: options.topo,
      custom: options.custom === undefined ? null : resolve(options.custom),
      values: options.values,
      cli: options.cli,
      loss: options.loss > 0 ? options.loss * 100 : null,
      delay: options.delay > 0 ? `${options.delay}ms` : null,
      bw: options.bw ?? null,
    },
  });
  try {
    return await unlessInterrupted(options.signal, () =>
      Promise.race([work(options, network, directory, started), network.broken]),
    );
  } finally {
    await network.stop();
    if (options.keep === undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function work(
  options: MininetOptions,
  network: Network,
  directory: string,
  started: number,
): Promise<MininetReport | undefined> {
  options.onStage(`building the network: topology ${options.topo}, switch ${options.switch}`);
  await network.build();
  const count = network.places.length;
  const inputs = inputsFor(count, options.in);
  await readInputs(inputs, count);
  const profile = await network.serve();
  const switches = [...new Set(network.switches.map(({ name }) => name))];
  options.onEvent({ event: 'started', switches, workers: count });
  const notes = [
    ...(inputs.note === undefined ? [] : [inputs.note]),
    ...(options.loss > 0 && !network.netem
      ? ['this kernel has no netem: a classic BPF filter drops packets instead']
      : []),
  ];
  for (const note of notes) options.onStage(`note: ${note}`);

  const reduce = async (since: number): Promise<MininetReport> => {
    const ends = await network.allreduce(inputs, options.onProgress);
    options.onStage('comparing the sums');
    return await verify(inputs, ends, (...path) => network.outputPath(...path), {
      started: since,
      profile,
      tree: network.tree,
      switches,
      notes,
      switch: options.switch,
      workers: count,
      lost: network.lost,
      loss: options.loss,
      valuesPerPacket: options.values,
    });
  };
  if (options.cli) {
    await stayAtPrompt(options, network, directory, profile, reduce);
    return undefined;
  }
  options.onStage(
    `${counted(count, 'worker')} ${count === 1 ? 'reduces' : 'reduce'}, profile ${profile.name} with ${counted(profile.guard, 'guard digit')}`,
  );
  const commands = options.control ? readCommands(process.stdin, (line) => obey(line, network, options)) : undefined;
  try {
    return await reduce(started);
  } finally {
    commands?.close();
  }
}

async function obey(line: string, network: Network, { onEvent, onStage }: MininetOptions): Promise<void> {
  try {
    const command = parseCommand(line);
    await network.carryOut(command);
    onEvent({ event: 'done', command: command.source });
    onStage(`done: ${line}`);
  } catch (error) {
    const { message } = error as Error;
    onEvent({ event: 'refused', command: line, error: message });
    onStage(`not done: ${message}`);
  }
}

async function stayAtPrompt(
  options: MininetOptions,
  network: Network,
  directory: string,
  profile: NumericProfile,
  reduce: (since: number) => Promise<MininetReport>,
): Promise<void> {
  // So that hosts find the command by its name.
  const shim = join(directory, 'fpisa');
  await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${process.argv[1]}" "$@"\n`);
  await chmod(shim, 0o755);
  options.onStage(`job "mininet" waits for ${counted(network.places.length, 'worker')}, profile ${profile.name}`);
  options.onStage('  allreduce              reduces gradients on all hosts and verifies the sums');
  options.onStage('  h1 fpisa job show mininet');
  options.onStage('  sh tcpdump -ni s1-eth1   shows what a port carries');
  options.onStage('  exit                   ends the network');
  const { prompt } = network;
  prompt.onAllreduce = async () => {
    try {
      options.onReport(await reduce(performance.now()));
    } catch (error) {
      options.onStage(`fpisa: ${(error as Error).message}`);
    }
  };
  await new Promise<void>((leave) => {
    prompt.onLeft = leave;
    prompt.openPrompt();
  });
}
