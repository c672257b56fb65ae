/** Scenarios with BMv2's results, as files: JSON, compressed, one for each build. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Configuration, Outcome, Packet, Scenario } from './scenario.js';

const FORMAT = 1;
export const RECORD_COMMAND = 'npm run record:bmv2';

export interface Recorded {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

export interface TraceFile {
  /** Version of the simple_switch_grpc that was recorded. */
  readonly bmv2: string;
  readonly build: string;
  /** SHA-256 of the build's JSON: the behaviour of another build proves nothing about this one. */
  readonly buildHash: string;
  readonly recorded: readonly Recorded[];
}

/** A packet in a file: its port, and its bytes in hexadecimal. */
type PacketText = string;

interface FileContents extends Omit<TraceFile, 'recorded'> {
  readonly format: number;
  readonly scenarios: readonly {
    readonly name: string;
    readonly phases: readonly { readonly configuration: Configuration; readonly packets: readonly PacketText[] }[];
    readonly outputs: readonly (readonly PacketText[])[];
    readonly packetIns: readonly string[];
    readonly counters: Outcome['counters'];
  }[];
}

export function hashOf(buildJson: string): string {
  return createHash('sha256').update(buildJson).digest('hex');
}

export function tracePath(build: string): string {
  return fileURLToPath(new URL(`traces/${build}.json.gz`, import.meta.url));
}

/** @returns the size of the file in bytes */
export function writeTraces({ bmv2, build, buildHash, recorded }: TraceFile): number {
  const contents: FileContents = {
    ...{ format: FORMAT, bmv2, build, buildHash },
    scenarios: recorded.map(({ scenario, outcome }) => ({
      name: scenario.name,
      phases: scenario.phases.map(({ configuration, packets }) => ({ configuration, packets: packets.map(toText) })),
      outputs: outcome.outputs.map((packets) => packets.map(toText)),
      packetIns: outcome.packetIns.map(toHex),
      counters: outcome.counters,
    })),
  };
  const compressed = gzipSync(JSON.stringify(contents), { level: 9 });
  writeFileSync(tracePath(build), compressed);
  return compressed.length;
}

/** @throws an Error that says what to do when the file is of another format or build */
export function readTraces(build: string, currentBuildHash: string): TraceFile {
  const contents = JSON.parse(gunzipSync(readFileSync(tracePath(build))).toString('utf8')) as FileContents;
  if (contents.format !== FORMAT)
    throw new Error(
      `the traces of ${build} have format ${contents.format}, not ${FORMAT}; record them anew with "${RECORD_COMMAND}"`,
    );
  if (contents.buildHash !== currentBuildHash) {
    throw new Error(
      `the program ${build} has changed since its traces were recorded; record them anew with "${RECORD_COMMAND}", which needs simple_switch_grpc on PATH`,
    );
  }
  const { bmv2, buildHash, scenarios } = contents;
  const recorded = scenarios.map(({ name, phases, outputs, packetIns, counters }) => ({
    scenario: {
      name,
      build,
      phases: phases.map(({ configuration, packets }) => ({ configuration, packets: packets.map(fromText) })),
    },
    outcome: { outputs: outputs.map((packets) => packets.map(fromText)), packetIns: packetIns.map(fromHex), counters },
  }));
  return { bmv2, build, buildHash, recorded };
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const toText = ({ port, bytes }: Packet): PacketText => `${port} ${toHex(bytes)}`;

function fromText(text: PacketText): Packet {
  const [port, hex] = text.split(' ') as [string, string];
  return { port: Number(port), bytes: fromHex(hex) };
}
