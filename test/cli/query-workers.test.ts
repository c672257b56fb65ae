/** Workers of a query that are started by hand, and do not come. */
import { expect, it } from 'vitest';
import { freePorts } from '../support/free-ports.js';
import { Command, fpisa, onlyJson } from './support/command.js';

it.each([
  [[], 1, 'workers 0, 1 have not come within 1 s (0 of 2 are here)'],
  // Long enough for a worker that looks for its master already.
  [[1], 60, 'worker 0 has not come within 60 s (1 of 2 is here)'],
])('a master with the workers %j names those that it waited for', async (ranks, wait, message) => {
  const device = new Command(['switch', '--json', '--p4runtime', '127.0.0.1:0', '--ports', '3']);
  const { p4runtime } = (await device.line()) as unknown as { p4runtime: string };
  const [port] = await freePorts(1);
  const workers = ranks.map(
    (rank) =>
      new Command([
        ...[
          'query',
          'worker',
          '--master',
          `127.0.0.1:${port}`,
          '--rank',
          String(rank),
          '--switch-port',
          '2',
          '--wait',
          '600',
        ],
      ]),
  );
  const ended = await fpisa(
    ...['query', 'SELECT count(*) FROM sample', '--sample', '--json', '--listen', `127.0.0.1:${port}`],
    ...['--p4runtime', p4runtime, '--switch-port', '1', '--wait', String(wait)],
  );
  expect(ended.code).toBe(3);
  expect(onlyJson(ended)).toEqual({
    ok: false,
    error: {
      code: 'FPISA_QUERY_WORKERS_MISSING',
      message: `${message}; start each with "fpisa query worker --master HOST:PORT --rank NUMBER", or wait longer with --wait SECONDS`,
    },
  });
  for (const worker of workers) {
    const { code, stderr } = await worker.ended;
    expect(code).toBe(6);
    expect(stderr).toBe(`fpisa: the query failed at its master: ${message}\n`);
  }
});
