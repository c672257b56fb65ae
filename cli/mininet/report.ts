/** The outcome of a run: the report of its sums, with what is particular to Mininet. */
import type { NumericProfile } from '../../arithmetic/index.js';
import { readTensorFile } from '../../host/index.js';
import {
  reductionReport,
  sum,
  type ReductionFacts,
  type ReductionReport,
  type LayerReport,
} from '../reduction-report.js';
import { partialOf } from '../partial.js';
import { verifyLayer, type SumTree } from '../sum-verification.js';
import { NetworkError } from '../errors.js';
import { floats, type Inputs } from './inputs.js';
import type { WorkerEnd } from './network.js';
import type { SwitchKind } from './requirements.js';

interface MininetLayerReport extends LayerReport {
  /** Workers whose contributions the sum contains. */
  readonly ranks: readonly number[];
}

export interface MininetReport extends ReductionReport {
  readonly layers: readonly MininetLayerReport[];
  readonly switch: SwitchKind;
  /** Switches in the network. */
  readonly switches: readonly string[];
  /** Workers that were killed by command. */
  readonly lost: readonly number[];
  /** Operations, over all workers, that began again because the membership changed. */
  readonly restarts: number;
  readonly notes: readonly string[];
  /** Of sums that lack workers; absent if none does. */
  readonly partial: string | undefined;
}

export interface MininetFacts
  extends
    Omit<ReductionFacts, 'profile' | 'transports' | 'elapsedMs'>,
    Pick<MininetReport, 'switch' | 'switches' | 'lost' | 'notes'> {
  readonly profile: NumericProfile;
  /** Of the monotonic clock. */
  readonly started: number;
  /** Ranks under each switch, from the root of the tree. */
  readonly tree: readonly SumTree[];
}

/**
 * Verifies what the workers wrote. A sum is compared with that of the workers whose contributions it is
 * said to contain: those of its epoch.
 * @param outputPath file of a source's sums by rank
 */
export async function verify(
  inputs: Inputs,
  ends: readonly WorkerEnd[],
  outputPath: (index: number, extension: string, rank: number) => string,
  facts: MininetFacts,
): Promise<MininetReport> {
  const first = ends[0];
  if (first === undefined) throw new NetworkError('no worker has finished: all were killed');
  const layers: MininetLayerReport[] = [];
  const load = async (path: string) => floats(await readTensorFile(path), path);
  const everyone = Array.from({ length: facts.workers }, (_, rank) => rank);
  for (const [index, source] of inputs.sources.entries()) {
    const given = await Promise.all(everyone.map((rank) => load(source.pathOf(rank))));
    const got = await Promise.all(ends.map(({ rank }) => load(outputPath(index, source.extension, rank))));
    for (const layer of given[first.rank]!.keys()) {
      const stats = ends.map(({ results }) => results[layers.length]!);
      const { ranks } = stats[0]!;
      const verdict = verifyLayer(
        ranks.map((rank) => given[rank]!.get(layer)!),
        got.map((tensors) => tensors.get(layer)!),
        facts.profile,
        among(facts.tree, ranks),
      );
      layers.push({
        phase: source.phase,
        layer,
        ...verdict,
        // Workers that completed an operation in different epochs could not be judged by one sum.
        identical: verdict.identical && stats.every((each) => String(each.ranks) === String(ranks)),
        elapsedMs: Math.max(...stats.map((each) => each.elapsedMs)),
        packets: sum(stats, (each) => each.packetsSent),
        retransmissions: sum(stats, (each) => each.retransmissions),
        packetValues: Math.min(...stats.map((each) => each.packetValues)),
        ranks,
      });
    }
  }
  const { started, profile, switch: kind, switches, lost, notes, workers, valuesPerPacket, loss } = facts;
  return {
    partial: partialOf(ends.flatMap(({ results }) => results)),
    ...reductionReport(layers, {
      workers,
      valuesPerPacket,
      loss,
      profile: profile.name,
      transports: ends.flatMap(({ results }) => results.map(({ transport }) => transport)),
      elapsedMs: Math.round(performance.now() - started),
    }),
    layers,
    switch: kind,
    switches,
    lost,
    restarts: sum(ends, ({ results }) => sum(results, (each) => each.restarts)),
    notes,
  };
}

/** The tree of those ranks alone, as indices into them. A switch with none of them below it is left out. */
export function among(tree: readonly SumTree[], ranks: readonly number[]): SumTree[] {
  return tree.flatMap((node): SumTree[] => {
    if (typeof node === 'number') return ranks.includes(node) ? [ranks.indexOf(node)] : [];
    const below = among(node, ranks);
    return below.length > 0 ? [below] : [];
  });
}
