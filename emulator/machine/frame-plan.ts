import type { EngineHost } from '../engine.js';
import { mentioned } from '../json/mentioned.js';
import type { Program } from '../json/program.js';
import type { Kind } from './value-representation.js';
import type { Layout } from './layout.js';

export const TIME_FIELDS = {
  ingress: 'intrinsic_metadata.ingress_global_timestamp',
  egress: 'intrinsic_metadata.egress_global_timestamp',
  enqueued: 'queueing_metadata.enq_timestamp',
  queueing: 'queueing_metadata.deq_timedelta',
} as const;

/** Where a field lies in a frame, and how it is cut. */
interface PlannedField {
  readonly offset: number;
  readonly kind: Kind;
  readonly limbs: number;
  readonly width: number;
  readonly signed: boolean;
  readonly saturating: boolean;
  /** Whether it is read as two's complement. */
  readonly negative: boolean;
}

/**
 * What is needed from a program and its switch to run packets through compiled code: plain data, for other threads too.
 */
export interface FramePlan {
  readonly frameBytes: number;
  /** Bytes after a packet that must exist and read as zero. */
  readonly slack: number;
  /** Fields of the architecture by their names, without times that the program does not read. */
  readonly architecture: ReadonlyMap<string, PlannedField>;
  /** Places of the fields of each list whose fields are preserved in copies. */
  readonly fieldLists: ReadonlyMap<number, readonly { readonly offset: number; readonly bytes: number }[]>;
  readonly dropPort: number;
  readonly maxPasses: number;
  readonly queuesPerPort: number;
}

export function framePlan(
  program: Program,
  layout: Layout,
  { dropPort, maxPasses, queuesPerPort }: Pick<EngineHost, 'dropPort' | 'maxPasses' | 'queuesPerPort'>,
): FramePlan {
  const unread = unreadTimes(program);
  const architecture = new Map(
    [...program.architecture]
      .filter(([name]) => !unread.has(name))
      .map(([name, { index, width, signed, saturating }]) => {
        const { offset, kind, limbs, range } = layout.fields[index]!;
        return [name, { offset, kind, limbs, width, signed, saturating, negative: range.min < 0n }] as const;
      }),
  );
  const fieldLists = new Map(
    [...program.fieldLists].map(
      ([id, { fields }]) =>
        [
          id,
          fields.map(({ index }) => {
            const { offset, kind, limbs } = layout.fields[index]!;
            return { offset, bytes: kind === 'i32' ? 4 : 8 * limbs };
          }),
        ] as const,
    ),
  );
  return {
    frameBytes: layout.frameBytes,
    slack: layout.slack,
    architecture,
    fieldLists,
    dropPort,
    maxPasses,
    queuesPerPort,
  };
}

/** Fields that hold times, in groups of which all are kept if the program names one: reading a clock takes a while. */
const TIMES = [[TIME_FIELDS.ingress], [TIME_FIELDS.egress, TIME_FIELDS.enqueued, TIME_FIELDS.queueing]];

function unreadTimes(program: Program): Set<string> {
  const { headers, architecture, ...others } = program;
  void headers;
  // This primitive names the whole header of the architecture, but reads nothing.
  const drops = program.actions.flatMap(({ primitives }) => primitives.filter(({ op }) => op === 'mark_to_drop'));
  const named = mentioned(others, drops);
  const isNamed = (name: string): boolean => {
    const field = architecture.get(name);
    return field !== undefined && named.has(field);
  };
  return new Set(TIMES.filter((group) => !group.some(isNamed)).flat());
}
