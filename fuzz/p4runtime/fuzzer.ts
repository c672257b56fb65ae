/** Sends the same random writes to one server, or to two whose verdicts must agree. */
import { Random } from '../../net/random.js';
import type { Init, WriteRequest } from '../../p4runtime/index.js';
import { classOf, isWithoutData, leavesTraces, type Difference } from './differences.js';
import { keyOf, kindOf, textOf } from './entity-key.js';
import { mutateRequest, mutateUpdate } from './mutate.js';
import type { FuzzProgram } from './programs.js';
import { DEVICE_ID, ELECTION_ID, SideGoneError, type Side, type Verdict } from './side.js';
import { compareState, wildcardReads, type StateDifference } from './state.js';
import { ValidUpdates, type DraftUpdate } from './valid.js';

const MAX_UPDATES = 5;
/** Writes between two comparisons of everything that can be read. */
const WRITES_PER_READ = 10;
/** Writes per pipeline. */
const WRITES_PER_PIPELINE = 500;

export interface WriteFuzzReport {
  writes: number;
  updates: number;
  /** Updates that our server accepted. */
  accepted: number;
  mutated: number;
  reads: number;
  pipelines: number;
  /** Number of crashes of the other server. */
  crashes: number;
  /** By class. */
  readonly known: Map<string, number>;
  readonly unknown: Difference[];
}

export interface WriteFuzzOptions {
  readonly programs: readonly FuzzProgram[];
  readonly ours: Side;
  /** Starts the server to compare with, again whenever it has crashed. */
  readonly startOther?: () => Promise<Side>;
  readonly writes: number;
  readonly seed: number;
  /** Called between two writes. */
  readonly isStopped?: () => boolean;
  readonly onProgress?: (report: WriteFuzzReport) => void;
}

interface Batch {
  readonly request: Init<WriteRequest>;
  readonly drafts: readonly DraftUpdate[];
  /** How each update was corrupted; empty if it was not. */
  readonly how: readonly string[];
  readonly requestHow: string;
}

const NO_BATCH: Batch = { request: {}, drafts: [], how: [], requestHow: '' };

/** BMv2 implements none of these, so they cannot cause a difference in state. */
const UNCOMPARED = new Set(['registerEntry', 'valueSetEntry', 'nothing', 'externEntry']);

const BROKEN_OFF = /Unexpected error in RPC handling|^Error when (writing (direct )?meter spec|modifying match entry)/;

/** The same entity without fields for which a DELETE might be refused. */
function toDelete(entity: DraftUpdate['entity']): DraftUpdate['entity'] {
  const { tableEntry } = entity;
  if (!tableEntry) return entity;
  const { tableId, match, priority } = tableEntry;
  return { tableEntry: { tableId, match, priority } };
}

/** The code of each update, also where one code applies to the whole call. */
function codesOf(verdict: Verdict, count: number): { code: string; message: string }[] {
  if (verdict.updates.length === count && verdict.updates.length > 0) return [...verdict.updates];
  return Array.from({ length: count }, () => ({ code: verdict.code, message: verdict.message }));
}

export class Fuzzer {
  readonly report: WriteFuzzReport = {
    writes: 0,
    updates: 0,
    accepted: 0,
    mutated: 0,
    reads: 0,
    pipelines: 0,
    crashes: 0,
    known: new Map(),
    unknown: [],
  };
  private readonly random: Random;
  private other: Side | undefined;
  /** Whether the other server's state may differ from what it reports. */
  private incoherent = false;
  /** Whether a counter was written without a value, which BMv2's server treats as zero. */
  private cleared = false;

  constructor(private readonly options: WriteFuzzOptions) {
    this.random = new Random(options.seed);
  }

  async run(): Promise<WriteFuzzReport> {
    this.other = await this.options.startOther?.();
    try {
      for (let i = 0; !this.isDone(); i++) {
        await this.pipeline(this.options.programs[i % this.options.programs.length]!);
        this.options.onProgress?.(this.report);
      }
    } finally {
      await this.other?.stop();
    }
    return this.report;
  }

  private isDone(): boolean {
    return this.report.writes >= this.options.writes || this.options.isStopped?.() === true;
  }

  private async load(program: FuzzProgram): Promise<void> {
    this.incoherent = false;
    this.cleared = false;
    this.report.pipelines++;
    await this.options.ours.load(program);
    await this.other?.load(program);
  }

  private async pipeline(program: FuzzProgram): Promise<void> {
    await this.load(program);
    const valid = new ValidUpdates(program.index, this.random);
    for (let i = 1; i <= WRITES_PER_PIPELINE && !this.isDone(); i++) {
      const batch = this.batch(valid);
      try {
        const apart = await this.write(program, batch, valid);
        const alike = await this.repair(program, apart, valid);
        if (alike && (this.cleared || i % WRITES_PER_READ === 0)) await this.compareAll(program, batch, valid);
      } catch (error) {
        if (!(error instanceof SideGoneError) || !this.other) throw error;
        await this.restartOther(program, batch, error, valid);
      }
    }
  }

  private batch(valid: ValidUpdates): Batch {
    const how: string[] = [];
    const drafts = Array.from({ length: 1 + this.random.below(MAX_UPDATES) }, () => {
      const draft = valid.next();
      if (this.random.below(2) === 0) {
        how.push('');
        return draft;
      }
      const mutated = mutateUpdate(this.random, draft);
      how.push(mutated.how);
      return mutated.update;
    });
    const request = { deviceId: DEVICE_ID, electionId: ELECTION_ID, updates: drafts };
    if (this.random.below(40) > 0) return { request, drafts, how, requestHow: '' };
    const mutated = mutateRequest(this.random, request);
    return {
      request: mutated.request,
      drafts: mutated.request.updates?.length === 0 ? [] : drafts,
      how,
      requestHow: mutated.how,
    };
  }

  /** @returns the updates that one server accepted and the other refused */
  private async write(program: FuzzProgram, batch: Batch, valid: ValidUpdates): Promise<DraftUpdate[]> {
    const { request, drafts, how } = batch;
    const { report } = this;
    report.writes++;
    report.updates += drafts.length;
    report.mutated += how.filter((each) => each !== '').length;
    // Both in parallel; a failure of the other server is handled below, after the verdict of ours has been recorded.
    const theirs = this.other?.write(request).catch((error: unknown) => error as Error);
    const verdict = await this.options.ours.write(request);
    const mine = codesOf(verdict, drafts.length);
    drafts.forEach((draft, i) => {
      if (mine[i]!.code !== 'OK') return;
      report.accepted++;
      valid.accepted(draft);
    });
    const broken = mine.findIndex(({ code }) => code === 'INTERNAL');
    if (verdict.code === 'INTERNAL' || broken >= 0) {
      this.note({
        ...describe(program, batch, broken),
        what: 'update',
        ours: 'INTERNAL',
        theirs: '',
        oursMessage: mine[broken]?.message ?? verdict.message,
        theirsMessage: '',
      });
    }
    const answer = await theirs;
    if (answer === undefined) return [];
    if (answer instanceof Error) throw answer;
    return this.compare(program, batch, verdict, answer);
  }

  private compare(program: FuzzProgram, batch: Batch, ours: Verdict, theirs: Verdict): DraftUpdate[] {
    const count = batch.drafts.length;
    if (ours.updates.length === 0 && theirs.updates.length === 0) {
      this.cleared ||= ours.code === 'OK' && batch.drafts.some(isWithoutData);
      // Part of the batch may have been applied before.
      this.incoherent ||= BROKEN_OFF.test(theirs.message);
      if (ours.code === theirs.code) return [];
      this.note({
        ...describe(program, batch, -1),
        what: 'request',
        ours: ours.code,
        theirs: theirs.code,
        oursMessage: ours.message,
        theirsMessage: theirs.message,
      });
      if (ours.code !== 'OK' && theirs.code !== 'OK') return [];
      return [...batch.drafts];
    }
    const mine = codesOf(ours, count);
    const others = codesOf(theirs, count);
    const apart: DraftUpdate[] = [];
    const refused: DraftUpdate[] = [];
    let traces = false;
    batch.drafts.forEach((draft, i) => {
      if (mine[i]!.code !== 'OK' && others[i]!.code !== 'OK' && leavesTraces(draft)) traces = true;
      if (mine[i]!.code === 'OK' && isWithoutData(draft)) this.cleared = true;
      const before = { apart: [...apart], refused: [...refused] };
      if (others[i]!.code !== 'OK') refused.push(draft);
      if (mine[i]!.code === others[i]!.code) return;
      this.note({
        ...describe(program, batch, i),
        ...before,
        what: 'update',
        ours: mine[i]!.code,
        theirs: others[i]!.code,
        oursMessage: mine[i]!.message,
        theirsMessage: others[i]!.message,
      });
      if (mine[i]!.code === 'OK' || others[i]!.code === 'OK') apart.push(draft);
    });
    this.incoherent ||= traces || others.some(({ message }) => BROKEN_OFF.test(message));
    return apart;
  }

  /**
   * Makes the state of both servers equal again, so that later differences are independent: reverts what only one of
   * them accepted, and if that does not help, reloads the pipeline on both.
   * @returns whether their states are equal without a reload
   */
  private async repair(program: FuzzProgram, apart: readonly DraftUpdate[], valid: ValidUpdates): Promise<boolean> {
    const other = this.other;
    if (this.incoherent) {
      await this.load(program);
      valid.clear();
      return false;
    }
    const kinds = new Set(apart.map(({ entity }) => kindOf(entity)).filter((kind) => !UNCOMPARED.has(kind)));
    if (!other || kinds.size === 0) return true;
    const { ours } = this.options;
    for (const draft of [...apart].reverse()) {
      const entity = toDelete(draft.entity);
      // On both, also for an INSERT: the server that refused it may have had the entity before.
      if (draft.type !== 'UNSPECIFIED') await Promise.all([ours.delete(entity), other.delete(entity)]);
      valid.forget(keyOf(draft.entity));
    }
    const differences = await compareState(program.index, ours, other, (kind) => kinds.has(kind));
    const known = (each: StateDifference): boolean => classOf(stateDifference(program, NO_BATCH, each)) !== undefined;
    if (differences.every(known)) return true;
    await this.load(program);
    valid.clear();
    return false;
  }

  private async compareAll(program: FuzzProgram, batch: Batch, valid: ValidUpdates): Promise<void> {
    this.report.reads++;
    if (!this.other) {
      for (const { entity } of wildcardReads(program.index)) await this.options.ours.read(entity);
      return;
    }
    const differences = (await compareState(program.index, this.options.ours, this.other)).map((each) =>
      stateDifference(program, batch, each),
    );
    for (const each of differences) this.note(each);
    if (!this.cleared && differences.every((each) => classOf(each) !== undefined)) return;
    await this.load(program);
    valid.clear();
  }

  private async restartOther(
    program: FuzzProgram,
    batch: Batch,
    error: SideGoneError,
    valid: ValidUpdates,
  ): Promise<void> {
    this.report.crashes++;
    const how = [batch.requestHow, ...batch.how].filter((each) => each !== '').join(' + ');
    this.note({
      ...describe(program, batch, -1),
      how,
      what: 'crash',
      ours: '',
      theirs: 'gone',
      oursMessage: '',
      theirsMessage: error.message,
    });
    await this.other!.stop();
    this.other = await this.options.startOther!();
    await this.load(program);
    valid.clear();
  }

  private note(difference: Difference): void {
    const known = classOf(difference);
    if (known === undefined) this.report.unknown.push(difference);
    else this.report.known.set(known, (this.report.known.get(known) ?? 0) + 1);
  }
}

function describe(
  program: FuzzProgram,
  batch: Batch,
  i: number,
): Omit<Difference, 'what' | 'ours' | 'theirs' | 'oursMessage' | 'theirsMessage'> {
  const draft = batch.drafts[i];
  const tableId = draft?.entity.tableEntry?.tableId ?? 0;
  return {
    program: program.name,
    kind: draft ? kindOf(draft.entity) : 'request',
    type: draft?.type ?? 'UNSPECIFIED',
    how: (i >= 0 && batch.how[i]) || batch.requestHow,
    update: draft,
    request: { message: batch.request, how: batch.requestHow },
    apart: [],
    refused: [],
    isIndirect: program.index.tables.has(tableId) && program.index.tables.byId(tableId).actionProfileId !== undefined,
  };
}

function stateDifference(
  program: FuzzProgram,
  batch: Batch,
  { read, kind, entity, ours, theirs }: StateDifference,
): Difference {
  return {
    ...describe(program, batch, -1),
    what: 'state',
    kind,
    how: read,
    update: entity && { type: 'UNSPECIFIED', entity },
    ours,
    theirs,
    oursMessage: '',
    theirsMessage: '',
  };
}

/** One difference in one line. */
export function renderDifference({
  program,
  what,
  kind,
  type,
  how,
  ours,
  theirs,
  oursMessage,
  theirsMessage,
  update,
  request,
}: Difference): string {
  return `${program} ${what} ${type} ${kind} [${how}] ours ${ours} (${oursMessage}) theirs ${theirs} (${theirsMessage}) ${textOf(update?.entity)} REQUEST ${textOf(request.message)}`;
}
