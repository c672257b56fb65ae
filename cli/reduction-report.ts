/** The report of a reduction whose sums were verified, as `fpisa demo` and `fpisa mininet` print it. */
import { counted } from '../net/count.js';
import { ExitCode } from './exit-codes.js';
import type { Output } from './output.js';
import type { LayerVerdict } from './sum-verification.js';

export interface LayerReport extends LayerVerdict {
  readonly phase: string;
  readonly layer: string;
  /** Of the slowest worker. */
  readonly elapsedMs: number;
  /** Sent by all workers. */
  readonly packets: number;
  readonly retransmissions: number;
  /** Values of a whole chunk. */
  readonly packetValues: number;
}

export interface ReductionReport {
  readonly ok: boolean;
  readonly workers: number;
  readonly elements: number;
  /** Largest error against the exact sum, in ulps of the correctly rounded exact sum. */
  readonly maxUlpError: number;
  readonly identicalAcrossWorkers: boolean;
  /** Elements outside the proven bound. */
  readonly outOfBound: number;
  readonly packets: number;
  readonly retransmissions: number;
  readonly loss: number;
  readonly profile: string;
  /** As the switch's program takes them. */
  readonly valuesPerPacket: number;
  /** The least that any layer had, of what all paths carry. */
  readonly packetValues: number;
  /** The ways that the workers' packets took, each once. */
  readonly transports: readonly string[];
  readonly elapsedMs: number;
  readonly layers: readonly LayerReport[];
}

/** The parameters of a run, and how long it took. */
export type ReductionFacts = Pick<
  ReductionReport,
  'workers' | 'valuesPerPacket' | 'loss' | 'profile' | 'transports' | 'elapsedMs'
>;

export function reductionReport(layers: readonly LayerReport[], facts: ReductionFacts): ReductionReport {
  const identicalAcrossWorkers = layers.every((layer) => layer.identical);
  const outOfBound = sum(layers, (layer) => layer.outOfBound);
  return {
    ok: identicalAcrossWorkers && outOfBound === 0,
    workers: facts.workers,
    elements: sum(layers, (layer) => layer.elements),
    maxUlpError: Math.max(...layers.map((layer) => layer.exact.worst)),
    identicalAcrossWorkers,
    outOfBound,
    packets: sum(layers, (layer) => layer.packets),
    retransmissions: sum(layers, (layer) => layer.retransmissions),
    loss: facts.loss,
    profile: facts.profile,
    valuesPerPacket: facts.valuesPerPacket,
    transports: [...new Set(facts.transports)].sort(),
    packetValues: Math.min(facts.valuesPerPacket, ...layers.map((layer) => layer.packetValues)),
    elapsedMs: facts.elapsedMs,
    layers,
  };
}

export function exitCodeOfReport({ ok }: ReductionReport): ExitCode {
  return ok ? ExitCode.OK : ExitCode.CHECK_FAILED;
}

export function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((total, each) => total + of(each), 0);
}

export function printReport(output: Output, report: ReductionReport): void {
  output.object(report);
  output.line();
  output.line('error in ulps: worst / median');
  output.table(
    [
      'gradients',
      'layer',
      'elements',
      'time',
      'vs exact sum',
      'vs sequential fp32',
      'sequential vs exact',
      'packets',
      'resent',
    ],
    report.layers.map((layer) => [
      layer.phase,
      layer.layer,
      layer.elements,
      `${layer.elapsedMs.toFixed(0)} ms`,
      `${ulps(layer.exact.worst)} / ${ulps(layer.exact.median)}`,
      `${ulps(layer.sequential.worst)} / ${ulps(layer.sequential.median)}`,
      `${ulps(layer.sequentialExact.worst)} / ${ulps(layer.sequentialExact.median)}`,
      layer.packets,
      layer.retransmissions,
    ]),
  );
  output.line();
  output.line(
    `${counted(report.elements, 'element')} from ${counted(report.workers, 'worker')}, ${counted(report.packets, 'packet')} of up to ${counted(report.packetValues, 'value')}, ${report.retransmissions} retransmitted`,
  );
  output.line(`packets went by ${report.transports.join('; ')}`);
  output.line(verdict(report));
}

function verdict(report: ReductionReport): string {
  if (!report.identicalAcrossWorkers) return 'FAILED: workers hold different sums';
  if (report.outOfBound > 0)
    return `FAILED: ${counted(report.outOfBound, 'element')} ${report.outOfBound === 1 ? 'is' : 'are'} further from the exact sum than the arithmetic allows`;
  return 'OK: every worker holds the same sums, bit for bit, and every sum is within its proven bound of the exact one';
}

function ulps(value: number): string {
  if (value === 0) return '0';
  return value >= 1000 ? value.toExponential(1) : value.toPrecision(2);
}
