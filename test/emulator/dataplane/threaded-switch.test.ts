import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ThreadedSwitch,
  type DataPlaneError,
  type Digest,
  type EmulatorError,
  type MatchKey,
  type PortSpec,
  type ThreadedSwitchOptions,
} from '../../../emulator/index.js';
import { Namespace, namespacesMissing } from '../support/network-namespace.js';
import { hex, programJson, switchWith } from '../support/programs.js';

/** The CPU port is where the programs of these tests send, so that packets go in as packet-outs and come out as packet-ins. */
const CPU_PORT = 1;
const missing = await namespacesMissing();
// Each test starts threads from TypeScript sources: this takes seconds, and far more when other tests run in parallel.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const closers: (() => unknown)[] = [];

/** The thread from its TypeScript sources. */
function startThread(data: object): Worker {
  const loader = new URL('../../controlplane/typescript-loader.mjs', import.meta.url).href;
  const thread = new URL('../../../emulator/dataplane/packet-thread.ts', import.meta.url).href;
  const start = `require('node:module').register(${JSON.stringify(loader)}); import(${JSON.stringify(thread)});`;
  return new Worker(start, { eval: true, workerData: data });
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

class Bench {
  readonly target: ThreadedSwitch;
  readonly answers: string[] = [];
  readonly errors: EmulatorError[] = [];
  readonly failures: DataPlaneError[] = [];
  readonly logs: string[] = [];

  constructor(options: ThreadedSwitchOptions = {}) {
    this.target = new ThreadedSwitch({
      startThread,
      cpuPort: CPU_PORT,
      onError: (error) => this.errors.push(error),
      onFailure: (error) => this.failures.push(error),
      onInterpreted: (why) => expect.unreachable(why),
      onLog: (text) => this.logs.push(text),
      ...options,
    });
    this.target.onPacketIn((bytes) => this.answers.push(hex(bytes)));
  }

  async start(program: string, ports: readonly PortSpec[]): Promise<void> {
    closers.push(() => this.target.close());
    await this.target.open(ports);
    this.load(program);
  }

  load(program: string): void {
    this.loadJson(programJson(program));
  }

  loadJson(json: string): void {
    this.target.activate(this.target.prepare(new TextEncoder().encode(json)));
  }

  /** @returns what left for these packets: every program of these tests sends one for each */
  async run(packets: readonly Uint8Array[]): Promise<string[]> {
    const before = this.answers.length;
    for (const packet of packets) this.target.packetOut(packet);
    return this.answersSince(before, packets.length);
  }

  async answersSince(before: number, count: number): Promise<string[]> {
    await until(() => this.answers.length >= before + count || this.failures.length > 0);
    return this.answers.slice(before);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setTimeout(next, 1));
}

function request(op: number, index: number, value: number): Uint8Array {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, op);
  view.setUint32(1, index);
  view.setUint32(5, value);
  return bytes;
}

/** For table `masked` of program tables: the answer has the result in byte 7. */
function keyed(a: number): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set([3, a >> 8, a & 0xff, 0, 0, 0, 1]);
  return bytes;
}

describe.each([
  ['on an event loop', undefined],
  ['in a loop over network interfaces', missing],
] as const)('packets on a thread of their own, %s', (place, why) => {
  describe.skipIf(why !== undefined)(why === undefined ? 'are run' : `(${why})`, () => {
    async function start(program: string, options: ThreadedSwitchOptions = {}): Promise<Bench> {
      const bench = new Bench(options);
      if (place === 'on an event loop') {
        await bench.start(program, []);
        return bench;
      }
      const namespace = await Namespace.create();
      const leave = namespace.enter();
      closers.push(() => namespace.remove());
      namespace.ip('link add one type veth peer name two', 'link set one up', 'link set two up');
      try {
        await bench.start(program, [{ number: 7, kind: 'interface', interface: 'one' }]);
      } finally {
        leave();
      }
      return bench;
    }

    it('as on this one, whatever they do, interpreted and compiled', async () => {
      const bench = await start('externs');
      const plain = switchWith('externs', { seed: 1, engine: 'interpreter' });
      for (const { control } of [bench.target, plain]) {
        control.setMeter('ingress_.rated', 1, [
          { perSecond: 1e-9, burst: 2 },
          { perSecond: 1e-9, burst: 3 },
        ]);
        control.insertEntry('ingress_.metered', {
          keys: [{ kind: 'exact', value: 2n }],
          priority: 0,
          call: { action: 'ingress_.read_color', args: [] },
        });
        control.setDirectMeter('ingress_.metered', [{ kind: 'exact', value: 2n }], 0, [
          { perSecond: 1e-9, burst: 100 },
          { perSecond: 1e-9, burst: 200 },
        ]);
      }
      const digests: Digest[] = [];
      bench.target.control.onDigest((digest) => digests.push(digest));
      // Time is the one thing that differs.
      const packets = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].flatMap((op) =>
        [0, 1, 2, 3, 1, 2].map((index) => request(op, index, op * 0x1357_9bd + index)),
      );
      const expected = (): string[] => packets.map((packet) => hex(plain.receive(CPU_PORT, packet)[0]!.bytes));
      expect(await bench.run(packets)).toEqual(expected());
      await bench.target.ready();
      expect(await bench.run(packets)).toEqual(expected());
      expect(bench.logs).toHaveLength(12);
      expect(digests).toHaveLength(12);
      expect(bench.target.control.readRegister('ingress_.cells', 3)).toBe(
        plain.control.readRegister('ingress_.cells', 3),
      );
      expect(bench.target.control.readCounter('ingress_.counted', 1)).toEqual(
        plain.control.readCounter('ingress_.counted', 1),
      );
      expect(bench.target.statistics).toMatchObject({
        received: 2 * packets.length,
        sent: 2 * packets.length,
        aborted: 0,
      });
    });

    it('and all their copies leave, however many and long they are', async () => {
      const bench = await start('copies');
      const plain = switchWith('copies', { engine: 'interpreter' });
      // More than fits in one answer between the threads.
      const replicas = Array.from({ length: 20 }, (_, instance) => ({ egressPort: CPU_PORT, instance }));
      for (const { control } of [bench.target, plain]) control.setMulticastGroup(5, replicas);
      const packets = [40, 30_000, 41, 60_001].map((length) =>
        Uint8Array.from({ length }, (_, i) => (i === 0 ? 1 : i & 0xff)),
      );
      const expected = packets.flatMap((packet) => plain.receive(CPU_PORT, packet).map((output) => hex(output.bytes)));
      for (const tier of ['interpreted', 'compiled']) {
        const before = bench.answers.length;
        for (const packet of packets) bench.target.packetOut(packet);
        const answers = await bench.answersSince(before, expected.length);
        // Texts of megabytes: a difference is not worth printing.
        expect(
          answers.every((answer, i) => answer === expected[i]),
          tier,
        ).toBe(true);
        await bench.target.ready();
      }
      expect(bench.answers).toHaveLength(2 * expected.length);
    });

    it('and one that is given up takes no other with it', async () => {
      const bench = await start('externs');
      const packets = [request(9, 1, 0xdead), request(9, 1, 1)];
      for (let n = 1; n <= 2; n++) {
        for (const packet of packets) bench.target.packetOut(packet);
        await bench.answersSince(n - 1, 1);
        expect(bench.errors.map(({ code }) => code)).toEqual(new Array(n).fill('EMULATOR_PACKET_ABORT'));
        await bench.target.ready();
      }
      expect(bench.target.statistics.aborted).toBe(2);
    });

    it('and never see half an entry while the control plane writes', async () => {
      const bench = await start('tables');
      await bench.target.ready();
      const { control } = bench.target;
      const keys = (a: number): MatchKey[] => [
        { kind: 'ternary', value: BigInt(a) << 8n, mask: 0xff00n },
        { kind: 'exact', value: 1n },
      ];
      const give = (a: number, set: number) => ({
        keys: keys(a),
        priority: 1 + a,
        call: { action: 'ingress_.give', args: [BigInt(a + 64 * set)] },
      });
      const allowed = (a: number): string[] =>
        [0, 1].map((set) => (a + 64 * set).toString(16).padStart(2, '0')).concat('00');
      for (let round = 0; round < 10; round++) {
        const before = bench.answers.length;
        const asked = Array.from({ length: 300 }, (_, i) => (i * 7 + round) % 64);
        for (const a of asked) bench.target.packetOut(keyed(a << 8));
        // The thread runs these packets while this one does what follows.
        for (let a = 0; a < 64; a++) control.insertEntry('ingress_.masked', give(a, 0));
        for (let a = 0; a < 64; a++) control.modifyEntry('ingress_.masked', give(a, 1));
        for (let a = 0; a < 64; a++) control.deleteEntry('ingress_.masked', keys(a), 1 + a);
        const answers = await bench.answersSince(before, asked.length);
        asked.forEach((a, i) => expect(allowed(a)).toContain(answers[i]!.slice(14, 16)));
      }
    });

    it('by the program that was there when they came', async () => {
      const bench = await start('externs');
      const first = request(1, 0, 0x0102_0304);
      const second = keyed(0x100);
      const before = bench.answers.length;
      for (let round = 0; round < 4; round++) {
        bench.load('externs');
        for (let n = 0; n < 50; n++) bench.target.packetOut(first);
        bench.load('tables');
        for (let n = 0; n < 50; n++) bench.target.packetOut(second);
        // Once compiled, once while the compiler works.
        if (round % 2 === 0) await bench.target.ready();
      }
      const answers = await bench.answersSince(before, 400);
      answers.forEach((answer, n) =>
        expect(answer.startsWith(n % 100 < 50 ? (n % 100 === 0 ? '00000000' : '01020304') : '03')).toBe(true),
      );
    });

    it('and when the thread ends by an error, everybody hears of it and nobody waits', async () => {
      const bench = await start('externs');
      await bench.target.ready();
      const { callees } = (bench.target as unknown as { active: { callees: Record<string, () => never> } }).active;
      callees.meter = () => {
        throw new Error('a bug');
      };
      bench.target.packetOut(request(4, 1, 0));
      // It holds the lock while it dies.
      bench.target.control.readCounter('ingress_.counted', 0);
      await until(() => bench.failures.length > 0);
      expect(bench.failures[0]).toMatchObject({
        code: 'EMULATOR_DATA_PLANE',
        message: expect.stringContaining('a bug') as string,
      });
      expect(() => bench.target.packetOut(request(1, 0, 0))).toThrow(/has ended/);
      expect(bench.target.control.readCounter('ingress_.counted', 0).packets).toBe(0n);
    });
  });
});

describe('a program that cannot be compiled', () => {
  it('runs all the same, and it is told', async () => {
    const why: string[] = [];
    const bench = new Bench({ onInterpreted: (reason) => why.push(reason) });
    await bench.start('externs', []);
    const program = JSON.parse(programJson('externs')) as { actions: { primitives: { op: string }[] }[] };
    program.actions[0]!.primitives.push({
      op: '_jump',
      parameters: [{ type: 'field', value: ['request', 'value'] }],
    } as never);
    bench.loadJson(JSON.stringify(program));
    await bench.target.ready();
    expect(why).toEqual([expect.stringContaining('constant target')]);
    expect(await bench.run([request(1, 1, 5)])).toHaveLength(1);
  });
});

describe('a switch that ends while a program is being compiled', () => {
  it('keeps nobody waiting for it', async () => {
    const bench = new Bench();
    await bench.start('values', []);
    const ready = bench.target.ready();
    await bench.target.close();
    await ready;
  });

  it('nor does a thread that has died', async () => {
    const bench = new Bench();
    await bench.start('externs', []);
    bench.load('values');
    const ready = bench.target.ready();
    await (bench.target as unknown as { worker: Worker }).worker.terminate();
    await ready;
    expect(bench.failures).toMatchObject([{ code: 'EMULATOR_DATA_PLANE' }]);
  });
});

describe('a port that cannot be opened', () => {
  it('is refused as without the thread', async () => {
    const { target } = new Bench();
    const port = (number: number): PortSpec => ({ number, kind: 'interface', interface: 'no-such-one' });
    await expect(target.open([port(3), port(3)])).rejects.toMatchObject({ code: 'EMULATOR_PORT_DUPLICATE', port: 3 });
    await expect(target.open([port(3)])).rejects.toMatchObject({
      port: 3,
      message: expect.stringMatching(/^port 3: /) as string,
    });
    await target.close();
  });
});
