/** One run of a plan, from programming the switch to the master's SQL. */
import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api';
import { counted } from '../../net/count.js';
import { Operator } from '../../protocol/query/constants.js';
import type { HostPlace, ProgrammableSwitch } from '../switch/provisioning.js';
import type { DgramTransport } from '../../host/transport/dgram.js';
import { QueryRowsLostError, type QueryError } from '../errors.js';
import type { AggregateStep, KeyColumn, PruneStep, QueryPlan, RowSet } from '../plan/plan.js';
import { identifier } from '../plan/tree.js';
import { MasterEndpoint } from '../stream/master.js';
import { isAggregate, type AllocatedStep, type Allocation } from './allocation.js';
import type { WorkerRegistry } from './worker-registry.js';
import { QueryEvaluationError } from './errors.js';
import type { KeyColumnMessage, StepDoneMessage, StepMessage } from './messages.js';
import { importSelect } from './parquet.js';
import { RelationFiles } from './relation-files.js';
import { GroupRelation } from './relation.js';
import { timed, type QueryStatistics } from './statistics.js';

export interface AttemptOptions {
  readonly plan: QueryPlan;
  readonly allocation: Allocation;
  readonly epoch: number;
  readonly registry: WorkerRegistry;
  readonly device: ProgrammableSwitch;
  readonly connection: DuckDBConnection;
  readonly transport: DgramTransport;
  readonly hosts: readonly HostPlace[];
  readonly statistics: QueryStatistics;
  /** Of each table. */
  readonly rows: ReadonlyMap<string, number>;
  readonly onProgress?: (share: number) => void;
}

export class QueryAttemptRun {
  private readonly endpoint: MasterEndpoint;
  private files: RelationFiles | undefined;
  private failure: ((error: Error) => void) | undefined;
  /** Resolves when the switch has the query's entries. */
  private programmed: Promise<void> = Promise.resolve();
  /** Rows of each row set that are left after its steps so far, by rank; without the row sets that were pruned by distinct keys. */
  private readonly kept = new Map<string, readonly number[]>();
  private readonly onPiece = (rank: number, relation: string, data: Uint8Array): void =>
    this.files?.add(rank, relation, data);

  constructor(private readonly options: AttemptOptions) {
    const { transport, allocation, epoch, statistics } = options;
    this.endpoint = new MasterEndpoint(transport, allocation.build, epoch);
    transport.onMessage = (message) => {
      statistics.toMaster.bytes += message.byteLength;
      try {
        this.endpoint.receive(message);
      } catch (error) {
        // Thrown in the socket's event handler, it would reach no caller.
        this.failure?.(error as Error);
      }
    };
  }

  /** @throws QueryError */
  async run(): Promise<DuckDBResultReader> {
    const broken = new Promise<never>((_, reject) => (this.failure = reject));
    broken.catch(() => undefined);
    return Promise.race([this.work(), broken]);
  }

  fail(error: QueryError): void {
    this.endpoint.fail(error);
  }

  async close(): Promise<void> {
    this.options.transport.onMessage = undefined;
    this.options.registry.off('piece', this.onPiece);
    await this.files?.remove();
  }

  private async work(): Promise<DuckDBResultReader> {
    const { plan, allocation, epoch, registry, device, hosts, statistics, connection } = this.options;
    const { time } = statistics;
    this.files = await RelationFiles.create();
    registry.on('piece', this.onPiece);
    const streams = allocation.steps.map(({ setup }) => setup);
    // Workers evaluate their first step meanwhile, and send when its stream is open.
    if (streams.length > 0)
      this.programmed = timed(
        () => device.program({ build: allocation.build, epoch, hosts, streams }),
        (ms) => (time.switch += ms),
      );
    this.programmed.catch(() => undefined);
    await Promise.all(
      registry.all.map((link) =>
        link.ask({ begin: { epoch, build: allocation.build.name, rowSets: plan.rowSets } }, 'begun'),
      ),
    );
    this.countScanned();
    for (const [index, step] of allocation.steps.entries()) {
      const stop = this.follow(index, allocation.steps.length + 1);
      await timed(
        () => this.step(step),
        (ms) => time.steps.push(ms),
      ).finally(stop);
    }
    await timed(
      () => this.ship(plan.rowSets),
      (ms) => (time.ship += ms),
    );
    statistics.toMaster.bytes += this.files.bytes;
    return timed(
      async () => {
        try {
          return await connection.runAndReadAll(plan.masterSql);
        } catch (error) {
          throw new QueryEvaluationError((error as Error).message, { cause: error });
        }
      },
      (ms) => (time.master += ms),
    );
  }

  private countScanned(): void {
    const { plan, rows, statistics } = this.options;
    const texts = [
      ...plan.rowSets.map(({ select }) => select),
      ...plan.steps.filter(isAggregate).map(({ select }) => select),
    ];
    statistics.rowsScanned = 0;
    for (const [name, count] of rows)
      if (texts.some((text) => text.includes(identifier(name)))) statistics.rowsScanned += count;
  }

  /** Forwards the progress of a step. */
  private follow(index: number, of: number): () => void {
    const { registry, onProgress, rows } = this.options;
    if (onProgress === undefined) return () => undefined;
    const total = Math.max(
      1,
      [...rows.values()].reduce((sum, each) => sum + each, 0),
    );
    const sent = new Map<number, number>();
    const listener = (rank: number, count: number): void => {
      sent.set(rank, count);
      const share = Math.min(1, [...sent.values()].reduce((sum, each) => sum + each, 0) / total);
      onProgress((index + share) / of);
    };
    registry.on('progress', listener);
    return () => registry.off('progress', listener);
  }

  private async step({ step, setup }: AllocatedStep): Promise<void> {
    const { registry, allocation, connection, statistics } = this.options;
    const message = stepMessage(step, setup.stream, setup.flowSlots);
    const evaluated = Promise.all(registry.all.map((link) => link.ask({ step: message }, 'stepDone')));
    const relation = isAggregate(step) ? await GroupRelation.create(connection, step, allocation.build) : undefined;
    await this.programmed;
    await this.endpoint.open(setup.stream);
    const passed = new Array<number>(registry.workers).fill(0);
    const receiver = this.endpoint.listen({
      stream: setup.stream,
      workers: registry.workers,
      slots: setup.flowSlots,
      onTuple: (rank, view, offset, nulls) => {
        passed[rank]!++;
        relation?.addTuple(view, offset, nulls);
      },
    });
    for (const link of registry.all) link.send({ open: { stream: setup.stream } });
    const done = await evaluated;
    const sent = await receiver.ended;
    for (const [rank, { rows, absorbed }] of done.entries()) {
      if (sent[rank] !== rows)
        throw new QueryRowsLostError(
          `worker ${rank} sent ${counted(rows, 'row')}, but the end of its stream reports ${sent[rank]}`,
        );
      if (absorbed + passed[rank]! !== rows)
        throw new QueryRowsLostError(
          `of ${counted(rows, 'row')} of worker ${rank}, ${absorbed} stayed in the switch and ${passed[rank]} reached the master`,
        );
    }
    this.count(done);
    if (relation !== undefined) await this.groups(step as AggregateStep, setup, relation, done);
    else this.remember(step as PruneStep, done);
    statistics.toMaster.tuples += receiver.statistics.tuples;
  }

  private count(done: readonly StepDoneMessage[]): void {
    const { statistics } = this.options;
    for (const { rows, absorbed, packets, repeats } of done) {
      statistics.tuplesSent += rows;
      statistics.absorbed += absorbed;
      statistics.packets += packets;
      statistics.repeats += repeats;
    }
  }

  /** Reads the groups out, and checks that every row is in one of them or arrived itself. */
  private async groups(
    step: AggregateStep,
    { stream, stateMask }: AllocatedStep['setup'],
    relation: GroupRelation,
    done: readonly StepDoneMessage[],
  ): Promise<void> {
    const { statistics } = this.options;
    const drain = await this.endpoint.drain({
      stream,
      groupSlots: stateMask + 1,
      onGroup: (view, offset) => relation.addGroup(view, offset),
    });
    const absorbed = done.reduce((sum, each) => sum + each.absorbed, 0);
    if (drain.rows !== absorbed)
      throw new QueryRowsLostError(
        `the switch absorbed ${counted(absorbed, 'row')}, but has ${drain.rows} in its groups`,
      );
    statistics.toMaster.groups += drain.groups;
    const paths = this.files!.of(unfitName(stream));
    const unfit = done.reduce((sum, each) => sum + each.unfit, 0);
    const arrived = paths.length === 0 ? 0 : await relation.addUnfit(paths);
    if (arrived !== unfit)
      throw new QueryRowsLostError(
        `workers sent ${counted(unfit, 'row')} around the switch, but ${arrived} have arrived`,
      );
    statistics.toMaster.unfit += unfit;
    relation.close();
  }

  /** A row that the switch dropped, and no other, may be missing from what is left. */
  private remember(step: PruneStep, done: readonly StepDoneMessage[]): void {
    const before = this.kept.get(step.rowSet);
    const isByKeys = step.operator !== Operator.TOP && step.isDistinct;
    done.forEach(({ rows, unfit, kept, absorbed }, rank) => {
      const dropped = step.operator === Operator.BUILD ? 0 : absorbed;
      const had = isByKeys ? rows + unfit : (before?.[rank] ?? rows + unfit);
      if (had - dropped !== kept)
        throw new QueryRowsLostError(
          `worker ${rank} had ${had} ${isByKeys ? 'keys' : 'rows'} of ${step.rowSet}, the switch dropped ${dropped}, and ${kept} are left`,
        );
    });
    if (isByKeys) this.kept.delete(step.rowSet);
    else
      this.kept.set(
        step.rowSet,
        done.map(({ kept }) => kept),
      );
  }

  private async ship(rowSets: readonly RowSet[]): Promise<void> {
    const { registry, connection, statistics } = this.options;
    for (const { name } of rowSets) {
      const answers = await Promise.all(registry.all.map((link) => link.ask({ ship: { rowSet: name } }, 'shipped')));
      const expected = this.kept.get(name);
      answers.forEach(({ rows }, rank) => {
        if (expected !== undefined && rows !== expected[rank])
          throw new QueryRowsLostError(
            `worker ${rank} has ${counted(expected[rank]!, 'row')} of ${name} left, but shipped ${rows}`,
          );
      });
      const rows = answers.reduce((sum, each) => sum + each.rows, 0);
      const paths = this.files!.of(name);
      await connection.run(
        `CREATE OR REPLACE TABLE ${identifier(name)} AS ${importSelect(paths, answers[0]!.columns)}`,
      );
      const [[arrived]] = (await connection.runAndReadAll(`SELECT count(*) FROM ${identifier(name)}`)).getRows() as [
        [bigint],
      ];
      if (Number(arrived) !== rows)
        throw new QueryRowsLostError(`workers shipped ${counted(rows, 'row')} of ${name}, but ${arrived} have arrived`);
      statistics.toMaster.shipped += rows;
    }
  }
}

function unfitName(stream: number): string {
  return `unfit ${stream}`;
}

function stepMessage(step: AggregateStep | PruneStep, stream: number, flowSlots: number): StepMessage {
  if (isAggregate(step))
    return {
      stream,
      flowSlots,
      aggregate: { select: step.select, keys: step.keys.map(keyMessage), lanes: step.lanes },
    };
  const { operator, rowSet } = step;
  const common = { operator, rowSet, column: '', order: 0, keys: [], isDistinct: false };
  return {
    stream,
    flowSlots,
    prune:
      step.operator === Operator.TOP
        ? { ...common, column: step.column, order: step.order }
        : { ...common, keys: step.keys.map(keyMessage), isDistinct: step.isDistinct },
  };
}

function keyMessage({ name, type, sqlType }: KeyColumn): KeyColumnMessage {
  return { name, kind: type.kind, bytes: 'bytes' in type ? type.bytes : 0, sqlType };
}
