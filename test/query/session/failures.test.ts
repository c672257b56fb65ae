/** What goes wrong on the way: a clear error, never a wrong row. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Client, credentials, Metadata, type deserialize } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { QuerySwitch } from '../../../query/switch/switch.js';
import { P4RuntimeClient } from '../../../controlplane/p4runtime/client.js';
import type { ProgrammableSwitch } from '../../../query/switch/provisioning.js';
import {
  QuerySession,
  runQueryWorker,
  WorkerRegistry,
  QueryMasterUnreachableError,
} from '../../../query/session/index.js';
import { QueryMasterService } from '../../../protocol/generated/fpisa-query.js';
import { DEVICE_ID, SERVICE_IP, SERVICE_MAC } from '../../e2e/support/embedded-switch.js';
import { duck, folder, QuerySite } from './support/site.js';

const SLOW = { seed: 1, drop: 0.05, delay: 1, delayMs: 3 };
const SUM = 'SELECT k, sum(v) FROM t GROUP BY k';

async function table(rows: number): Promise<string> {
  const path = folder();
  await duck(
    `COPY (SELECT i % 100 AS k, i / 3.0::DOUBLE AS v FROM range(${rows}) t(i)) TO '${join(path, 't.parquet')}'`,
  );
  return join(path, 't.parquet');
}

describe('a query that cannot be answered says why', { timeout: 300_000 }, () => {
  it('when a worker ends in the middle', async () => {
    const data = await table(200_000);
    const site = await QuerySite.start({ workers: 2, faults: SLOW });
    const run = site.run(SUM, [data], {}, (running) => running.kill(1));
    await expect(run).rejects.toThrow(/worker 1 \(process \d+ at .*\) disconnected during the query/);
  });

  it('when the switch is restarted in the middle', async () => {
    const data = await table(200_000);
    const site = await QuerySite.start({ workers: 2, faults: SLOW });
    const run = site.run(SUM, [data], {}, ({ network }) => void network.stop().then(() => network.start()));
    await expect(run).rejects.toMatchObject({
      code: 'FPISA_QUERY_STATE_LOST',
      message: expect.stringMatching(/was restarted during the query/) as string,
    });
    // The same switch answers the next one.
    const { statistics } = await site.verified('SELECT k, count(*) FROM t WHERE v < 1000 GROUP BY k', [data], {
      combine: true,
    });
    expect(statistics.absorbed).toBeGreaterThan(0);
  });

  it('when somebody else takes the switch in the middle', async () => {
    const data = await table(200_000);
    const site = await QuerySite.start({ workers: 2, faults: SLOW });
    const thief = new P4RuntimeClient({
      address: site.network.address,
      deviceId: DEVICE_ID,
      electionId: BigInt(Date.now()) * 2n,
    });
    const run = site.run(SUM, [data], {}, () => void thief.connect());
    await expect(run).rejects.toThrow(/another controller has become primary/);
    thief.close();
  });

  it('when its session is closed in the middle, and leaves no file behind', async () => {
    const data = await table(200_000);
    const site = await QuerySite.start({ workers: 2, faults: SLOW });
    const temporary = folder();
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    let left: readonly string[] | undefined;
    const run = site.run(
      SUM,
      [data],
      {},
      ({ session }) => void session!.close().then(() => (left = readdirSync(temporary))),
    );
    await expect(run).rejects.toMatchObject({ code: 'FPISA_QUERY_ABORTED', message: 'the query was aborted' });
    expect(left).toEqual([]);
  });

  it('when a worker has no such file', async () => {
    const path = folder();
    for (const part of [1, 2]) await duck(`COPY (SELECT 1 AS k) TO '${join(path, `t-${part}.parquet`)}'`);
    const site = await QuerySite.start({ workers: 2 });
    // It goes when the master has seen it.
    const gone = setInterval(() => {
      if (site.tables.length > 0) rmSync(join(path, 't-2.parquet'), { force: true });
    }, 1);
    const run = site.run('SELECT count(*) FROM t', [join(path, 't-*.parquet')]);
    await expect(run).rejects.toMatchObject({
      message: expect.stringMatching(/worker \d cannot read .*t-2\.parquet: every worker must see its files/) as string,
    });
    clearInterval(gone);
  });

  it('when a value cannot be what the query makes of it', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT CASE WHEN i = 700 THEN 'seven' ELSE i::VARCHAR END AS v FROM range(1000) t(i)) TO '${join(path, 't.parquet')}'`,
    );
    const site = await QuerySite.start();
    await expect(site.run('SELECT sum(v::INTEGER) FROM t', [join(path, 't.parquet')])).rejects.toThrow(
      /Could not convert string 'seven' to INT32/,
    );
    await expect(site.run('SELECT v FROM t WHERE v::DOUBLE > 3', [join(path, 't.parquet')])).rejects.toThrow(
      /Could not convert string 'seven' to DOUBLE/,
    );
  });
});

it('a master whose registry is closed waits for no worker any more', async () => {
  const registry = new WorkerRegistry(2, 'a');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const device: ProgrammableSwitch = {
    program: () => Promise.resolve(),
    serviceAt: () => ({ ip: '127.0.0.1', udpPort: 9 }),
    lost: new Promise(() => undefined),
  };
  const open = QuerySession.open({
    registry,
    device,
    tables: [],
    connection,
    portOf: (rank) => rank + 1,
    port: 3,
    waitMs: 86_400_000,
  });
  await registry.close(new Error('interrupted'));
  await expect(open).rejects.toMatchObject({ code: 'FPISA_QUERY_ABORTED' });
});

describe('a switch is not taken from anybody', () => {
  it('who is primary there', async () => {
    const site = await QuerySite.start();
    const owner = new P4RuntimeClient({ address: site.network.address, deviceId: DEVICE_ID, electionId: 5n });
    await owner.connect();
    const options = {
      address: site.network.address,
      deviceId: DEVICE_ID,
      serviceIp: SERVICE_IP,
      serviceMac: SERVICE_MAC,
    };
    await expect(QuerySwitch.connect(options)).rejects.toMatchObject({
      code: 'FPISA_SWITCH_TAKEN',
      message: expect.stringMatching(/another controller \(election id 5\) is primary/) as string,
    });
    owner.close();
    const device = await QuerySwitch.connect(options);
    await expect(QuerySwitch.connect(options)).rejects.toMatchObject({ code: 'FPISA_SWITCH_TAKEN' });
    device.close();
  });

  it('and one that does not answer is named', async () => {
    await expect(
      QuerySwitch.connect({
        address: '127.0.0.1:1',
        serviceIp: SERVICE_IP,
        serviceMac: SERVICE_MAC,
        connectTimeoutMs: 200,
      }),
    ).rejects.toMatchObject({
      code: 'FPISA_QUERY_SWITCH_UNREACHABLE',
      message: expect.stringMatching(/no P4Runtime server answered at 127\.0\.0\.1:1/) as string,
    });
  });
});

describe('a worker is refused', () => {
  it.each([
    { rank: 5, version: 'a', why: /ranks 0 to 1, so there is no worker 5/ },
    { rank: 0, version: 'b', why: /master is version a, this worker is version b/ },
  ])('with rank $rank of version $version', async ({ rank, version, why }) => {
    const registry = new WorkerRegistry(2, 'a');
    const port = await registry.listen('127.0.0.1:0');
    await expect(runQueryWorker({ master: `127.0.0.1:${port}`, rank, version })).rejects.toThrow(why);
    await registry.close();
  });

  it('whose place is taken', async () => {
    const registry = new WorkerRegistry(2, 'a');
    const port = await registry.listen('127.0.0.1:0');
    const first = new AbortController();
    const worker = runQueryWorker({ master: `127.0.0.1:${port}`, rank: 1, version: 'a', signal: first.signal });
    worker.catch(() => undefined);
    while (registry.missing.length === 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(runQueryWorker({ master: `127.0.0.1:${port}`, rank: 1, version: 'a' })).rejects.toThrow(
      /worker 1 is already attached; missing: 0/,
    );
    first.abort(new Error('over'));
    await expect(registry.failed).rejects.toThrow(/worker 1 .* disconnected/);
    await registry.close();
  });

  it('who attaches twice on one call: it would hide the loss of its first rank', async () => {
    const registry = new WorkerRegistry(2, 'a');
    const port = await registry.listen('127.0.0.1:0');
    const { path, requestSerialize, responseDeserialize } = QueryMasterService.attach;
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const call = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize as deserialize<object>,
      new Metadata(),
    );
    call.on('error', () => undefined);
    for (const rank of [0, 1]) call.write({ hello: { rank, pid: 1, switchPort: 0, version: 'a' } });
    await expect(registry.failed).rejects.toThrow(/worker 0 .* disconnected/);
    expect(registry.missing).toEqual([1]);
    client.close();
    await registry.close();
  });

  it('when nobody is there', async () => {
    await expect(runQueryWorker({ master: '127.0.0.1:1', rank: 0, version: 'a', waitMs: 200 })).rejects.toThrow(
      QueryMasterUnreachableError,
    );
  });
});
