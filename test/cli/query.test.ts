/** `fpisa query` as a process, with the processes that it starts. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { freePorts } from '../support/free-ports.js';
import { loadQueryBuild } from '../../controlplane/artifacts.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { Event, QUERY_BUILDS } from '../../protocol/query/constants.js';
import { Command, fpisa, onlyJson, scratch } from './support/command.js';

async function write(...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

/** Processes that a process has started and that still run: process number and command line. */
function childrenOf(pid: number): { pid: number; line: string }[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return (list === '' ? [] : list.split(' ')).map((child) => ({
    pid: Number(child),
    line: readFileSync(`/proc/${child}/cmdline`, 'utf8').replaceAll('\0', ' '),
  }));
}

/** The TCP port where a process listens. */
function portOf(pid: number): number | undefined {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // Closed since.
        return undefined;
      }
    }),
  );
  const LISTENING = '0A';
  const row = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[3] === LISTENING && sockets.has(fields[9]!));
  return row === undefined ? undefined : parseInt(row[1]!.split(':')[1]!, 16);
}

/** Resolves when packets of rows have reached the switch that is this process. */
async function rowsUnderWay(pid: number): Promise<void> {
  const port = await until(() => portOf(pid));
  // Not to displace the master: no election id is smaller.
  const client = new P4RuntimeClient({ address: `127.0.0.1:${port}`, deviceId: 0, electionId: 0n });
  try {
    await client.connect();
    client.usePipeline(loadQueryBuild(QUERY_BUILDS[0]));
    // Until the program is there it has no such counter.
    await until(
      async () =>
        (await client.readCounterCells('fpisa_query.events', [Event.ROWS]).then(
          ([rows]) => rows!.packets > 0n,
          () => false,
        )) || undefined,
    );
  } finally {
    client.close();
  }
}

async function until<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Result {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly verified?: boolean;
  readonly notPushed: readonly string[];
  readonly statistics: { readonly rowsScanned: number; readonly absorbed: number; readonly repeats: number };
}

describe('fpisa query', () => {
  it('answers over the sample, and the answer is DuckDB’s', async () => {
    const ended = await fpisa(
      'query',
      'SELECT k, sum(v), count(*) AS n FROM sample GROUP BY k ORDER BY k',
      '--sample',
      '--workers',
      '2',
      '--loss',
      '0.05',
      '--no-combine',
      '--verify',
      '--json',
    );
    const result = onlyJson<Result>(ended);
    expect(ended.code).toBe(0);
    expect(result).toMatchObject({
      verified: true,
      notPushed: [],
      statistics: { rowsScanned: 20_000, absorbed: 20_000 },
    });
    expect(result.columns).toEqual([
      { name: 'k', type: 'VARCHAR' },
      { name: 'sum(v)', type: 'DOUBLE' },
      { name: 'n', type: 'BIGINT' },
    ]);
    expect(result.rows).toHaveLength(8);
    expect(result.rows[0]![2]).toBe('2500');
  });

  it('prints a table, or CSV, and what it cost beside it', async () => {
    const folder = scratch();
    await write(
      `COPY (SELECT * FROM (VALUES (1, 'a,"b', 1.50::DECIMAL(20,2)), (2, NULL, 9007199254740993.25)) t(id, s, d)) TO '${join(folder, 't.parquet')}'`,
    );
    const csv = await fpisa(
      'query',
      'SELECT * FROM t ORDER BY id',
      '--data',
      join(folder, 't.parquet'),
      '--workers',
      '1',
      '--csv',
    );
    expect(csv.stdout).toBe('id,s,d\n1,"a,""b",1.50\n2,,9007199254740993.25\n');
    expect(csv.stderr).toMatch(/2 rows scanned by 1 worker; .*\n.*to the master: .* 2 rows/s);
    const table = await fpisa(
      'query',
      'SELECT id, d FROM t ORDER BY id',
      '--data',
      join(folder, 't.parquet'),
      '--workers',
      '1',
    );
    expect(table.stdout.split('\n').slice(1, -1)).toEqual([
      '│ id      │ d                   │',
      '│ INTEGER │ DECIMAL(20,2)       │',
      '├─────────┼─────────────────────┤',
      '│       1 │                1.50 │',
      '│       2 │ 9007199254740993.25 │',
      '└─────────┴─────────────────────┘',
      '2 rows',
    ]);
  });

  it('--explain shows the three parts, and why one is not in the switch, without starting anything', async () => {
    const { stdout, code } = await fpisa(
      'query',
      'SELECT k, median(v) FROM sample GROUP BY k',
      '--sample',
      '--explain',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Workers\n {2}.*sample.*\nSwitch\n {2}Nothing\.\nMaster\n.*median.*\nNot pushed\n.*no operation for median/s,
    );
    const pushed = onlyJson<{ explanation: { switch: string[] }; steps: unknown[] }>(
      await fpisa(
        'query',
        'SELECT k, sum(v) FROM sample GROUP BY k HAVING sum(v) > 3',
        '--sample',
        '--explain',
        '--json',
      ),
    );
    expect(pushed.steps).toHaveLength(1);
    expect(pushed.explanation.switch.join()).toMatch(/Aggregation of sample.*HAVING/);
  });

  it('says whose process ended, and ends all the others', async () => {
    const folder = scratch();
    await write(
      `COPY (SELECT i AS k, i / 2.0::DOUBLE AS v FROM range(4000000) t(i)) TO '${join(folder, 't.parquet')}'`,
    );
    for (const [victim, exitCode, message] of [
      ['--rank 1', 6, /worker 1 (was ended by SIGKILL|\(process \d+ at [\d.:]+\) disconnected during the query)/],
      ['switch --json', 6, /the switch was ended by SIGKILL/],
      ['', 130, /^interrupted$/],
    ] as const) {
      const query = new Command([
        'query',
        'SELECT k % 100 AS g, sum(v) FROM t GROUP BY g',
        '--data',
        join(folder, 't.parquet'),
        '--no-combine',
        '--delay',
        '50',
        '--loss',
        '0.05',
        '--json',
      ]);
      const { pid } = await until(() => childrenOf(query.pid).find(({ line }) => line.includes(victim)));
      const others = await until(() => {
        const all = childrenOf(query.pid);
        return all.length === 3 ? all : undefined;
      });
      // All of them take half a minute with these delays.
      await rowsUnderWay(others.find(({ line }) => line.includes('switch --json'))!.pid);
      if (victim === '') query.kill('SIGINT');
      else process.kill(pid, 'SIGKILL');
      const ended = await query.ended;
      expect(ended.code, ended.stdout).toBe(exitCode);
      expect(onlyJson<{ ok: boolean; error: { message: string } }>(ended)).toMatchObject({
        ok: false,
        error: { message: expect.stringMatching(message) as string },
      });
      for (const other of others) expect(() => process.kill(other.pid, 0)).toThrow(/ESRCH/);
    }
  });
});

describe('workers that are started by hand, at a switch that runs already', () => {
  it('answer one query after the other, and a controller keeps its switch', async () => {
    const device = new Command([
      'switch',
      '--json',
      '--p4runtime',
      '127.0.0.1:0',
      '--ports',
      '3',
      '--service-udp-port',
      '61787',
    ]);
    const { p4runtime, ports } = (await device.line()) as unknown as {
      p4runtime: string;
      ports: Record<string, string>;
    };
    const at = [
      '--p4runtime',
      p4runtime,
      ...Object.entries(ports).flatMap(([port, place]) => ['--port', `${port}=${place}`]),
    ];
    for (const sql of ['SELECT k, count(*) FROM sample GROUP BY k', 'SELECT max(v), sum(v) FROM sample']) {
      const address = `127.0.0.1:${(await freePorts(1))[0]}`;
      const query = new Command([
        'query',
        sql,
        '--sample',
        '--verify',
        '--json',
        '--listen',
        address,
        '--switch-port',
        '3',
        ...at,
      ]);
      const workers = [0, 1].map(
        (rank) =>
          new Command([
            'query',
            'worker',
            '--master',
            address,
            '--rank',
            String(rank),
            '--switch-port',
            String(rank + 1),
          ]),
      );
      expect(onlyJson<Result>(await query.ended)).toMatchObject({ verified: true });
      for (const worker of workers)
        expect(await worker.ended).toMatchObject({ code: 0, stdout: 'the query has ended\n', stderr: '' });
    }
    const failing = `127.0.0.1:${(await freePorts(1))[0]}`;
    const query = new Command([
      'query',
      `SELECT k, sum(CASE WHEN v > 5 THEN error('no such value') ELSE v END) FROM sample GROUP BY k`,
      '--sample',
      '--listen',
      failing,
      '--switch-port',
      '3',
      ...at,
    ]);
    const workers = [0, 1].map(
      (rank) =>
        new Command([
          'query',
          'worker',
          '--master',
          failing,
          '--rank',
          String(rank),
          '--switch-port',
          String(rank + 1),
        ]),
    );
    expect(await query.ended).toMatchObject({ code: 6, stderr: expect.stringMatching(/no such value/) as string });
    for (const worker of workers)
      expect(await worker.ended).toMatchObject({
        code: 6,
        stdout: '',
        stderr: expect.stringMatching(/^fpisa: the query failed at its master: .*no such value/) as string,
      });
    const controller = new Command([
      'controller',
      '--json',
      '--listen',
      '127.0.0.1:0',
      '--switch',
      p4runtime,
      '--port',
      `1=${ports['1']!}`,
    ]);
    await controller.line();
    const refused = await fpisa('query', 'SELECT max(v) FROM sample', '--sample', '--switch-port', '3', ...at);
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 4,
      stderr: expect.stringMatching(
        /another controller \(election id \d+\) is primary at the switch .*: stop it, or name another switch/,
      ) as string,
    });
  });
});

describe('what is wrong is said before anything is started', () => {
  it.each<[args: string[], exitCode: number, message: RegExp]>([
    [[], 2, /needs a SELECT statement in quotes, or the command worker/],
    [['SELECT 1'], 2, /a query needs tables: give --data FILES for each, or --sample/],
    [['SELECT k, sum(v FROM sample', '--sample'], 2, /Parser Error: syntax error at or near "FROM".*LINE 1.*\^/s],
    [['SELECT nope FROM sample', '--sample'], 2, /there is no column nope; sample has k, v/],
    [['SELECT 1 FROM nowhere', '--sample'], 2, /there is no table nowhere; tables: sample/],
    [['DROP TABLE sample', '--sample'], 2, /must be one SELECT/],
    [['SELECT 1', '--data', '/nowhere/x*.parquet'], 5, /no file matches \/nowhere\/x\*\.parquet/],
    [['SELECT 1', '--sample', '--csv', '--json'], 2, /--csv and --json/],
    [['SELECT 1', '--sample', '--port', '1=127.0.0.1:1'], 2, /name it with --p4runtime/],
    [
      ['SELECT 1', '--sample', '--p4runtime', '127.0.0.1:1', '--loss', '0.1'],
      2,
      /faults are injected by a switch that is started here/,
    ],
    [['SELECT 1', '--sample', '--workers', '0'], 2, /a whole number from 1 to 64/],
    [['SELECT 1', '--sample', '--sums', 'fp16'], 2, /choices are fp64, fp32/],
    [['worker', '--master', 'here', '--rank', '0'], 2, /"here" is not host:port/],
    [
      ['worker', '--master', '127.0.0.1:1', '--rank', '0', '--wait', '1'],
      3,
      /no query master answered at 127\.0\.0\.1:1 within 1 s; start one there with "fpisa query SQL --listen HOST:PORT"/,
    ],
  ])('fpisa query %j', async (args, exitCode, message) => {
    const { code, stdout, stderr } = await fpisa('query', ...args);
    if (args.includes('--json'))
      expect(onlyJson<{ error: { message: string } }>({ code, stdout, stderr, signal: null }).error.message).toMatch(
        message,
      );
    else expect({ stdout, stderr }).toEqual({ stdout: '', stderr: expect.stringMatching(message) as string });
    expect(code).toBe(exitCode);
  });
});
