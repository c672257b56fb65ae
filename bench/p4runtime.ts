/**
 * The P4Runtime server of `fpisa switch` with large tables and with controllers that do not read.
 *
 *     npm run bench:p4runtime -- [--json] [--entries 100000,1000000] [--unread 500000] [--switch path/of/fpisa.js]
 *
 * The switch is a process of its own; `--switch` takes that of another version, for a comparison side by side.
 */
import { createSocket } from 'node:dgram';
import { parseArgs } from 'node:util';
import { encodeBytestring, indexP4Info, toUint128, type Entity, type Init } from '../p4runtime/index.js';
import { readFileSync } from 'node:fs';
import { shippedFile } from '../net/package-files.js';
import { runAsCommand, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { Pinger } from './p4runtime/pinger.js';
import { MeasuredSwitch } from './p4runtime/measured-switch.js';

const BATCH = 1000;
const MEMBERS = 4_000;
const UNREAD_READS = 10;
const UNREAD_SECONDS = 10;
const SPOOFED_DATAGRAMS = 400_000;
const UNREAD_ERRORS = 50_000;
const POINT_READS = 200;

const index = indexP4Info(readFileSync(shippedFile('bench/p4/tables.p4info.txtpb'), 'utf8'));
const hosts = index.tables.find('hosts').id;
const paths = index.actionProfiles.find('paths').id;
const forward = { actionId: index.actions.find('forward').id, params: [{ paramId: 1, value: encodeBytestring(1) }] };

/** Multiplication by an odd number permutes and scatters the keys (Knuth, TAOCP 6.4). */
function keyOf(i: number): Uint8Array {
  return encodeBytestring((BigInt(i) * 0x9e3779b97f4bn) & 0xffff_ffff_ffffn);
}

function host(i: number): Init<Entity> {
  return {
    tableEntry: { tableId: hosts, match: [{ fieldId: 1, exact: { value: keyOf(i) } }], action: { action: forward } },
  };
}

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** @returns inserts per second, of the time that the server takes for batches of 1,000, and of its processor time */
async function fill(site: MeasuredSwitch, from: number, to: number): Promise<{ rate: number; ofProcessor: number }> {
  let milliseconds = 0;
  const processor = site.processorSeconds();
  for (let first = from; first < to; first += BATCH) {
    const count = Math.min(BATCH, to - first);
    const request = MeasuredSwitch.encodeWrite(
      Array.from({ length: count }, (_, i) => ['INSERT', host(first + i)] as const),
    );
    const start = performance.now();
    await site.write(request);
    milliseconds += performance.now() - start;
  }
  const count = to - from;
  return { rate: (count / milliseconds) * 1000, ofProcessor: count / (site.processorSeconds() - processor) };
}

async function entries(site: MeasuredSwitch, sizes: readonly number[]): Promise<Row[]> {
  const rows: Row[] = [];
  const before = site.memory();
  let filled = 0;
  for (const size of [...sizes].sort((a, b) => a - b)) {
    const { rate, ofProcessor } = await fill(site, filled, size);
    filled = size;
    const bytes = ((site.memory() - before) * 2 ** 20) / size;
    const of = `at ${size.toLocaleString('en')} entries`;
    rows.push({ what: `inserts in batches of ${BATCH}, ${of}`, value: rate, unit: '/s' });
    rows.push({ what: `inserts, per second of the server's processor time, ${of}`, value: ofProcessor, unit: '/s' });
    rows.push({ what: `memory of an entry, ${of}`, value: bytes, unit: 'bytes' });
    const start = performance.now();
    for (let i = 0; i < POINT_READS; i++) await site.read(host((i * 7919) % size));
    rows.push({ what: `read by full key, ${of}`, value: (performance.now() - start) / POINT_READS, unit: 'ms' });
    const pinger = new Pinger(site.address);
    await pinger.ready();
    const { first, all, largest } = await site.read({ tableEntry: { tableId: hosts } });
    rows.push({ what: `wildcard read, first message, ${of}`, value: first, unit: 'ms' });
    rows.push({ what: `wildcard read, longest wait of another call, ${of}`, value: await pinger.stop(), unit: 'ms' });
    rows.push({ what: `wildcard read, whole, ${of}`, value: all, unit: 'ms' });
    rows.push({ what: `wildcard read, largest message, ${of}`, value: largest / 2 ** 20, unit: 'MiB' });
    rows.push({ what: `memory after it, ${of}`, value: site.memory(), unit: 'MiB' });
  }
  return rows;
}

async function members(site: MeasuredSwitch): Promise<Row[]> {
  const rows: Row[] = [];
  const member = (memberId: number): Init<Entity> => ({
    actionProfileMember: { actionProfileId: paths, memberId, action: forward },
  });
  const group = (groupId: number): Init<Entity> => ({
    actionProfileGroup: {
      actionProfileId: paths,
      groupId,
      maxSize: 1,
      members: [{ memberId: groupId, weight: 1 }],
    },
  });
  for (const [what, entity] of [
    ['members', member],
    ['groups', group],
  ] as const) {
    for (const from of [0, MEMBERS - BATCH]) {
      if (from > 0)
        for (let at = BATCH; at < from; at += BATCH) {
          await site.write(
            MeasuredSwitch.encodeWrite(Array.from({ length: BATCH }, (_, i) => ['INSERT', entity(at + i + 1)])),
          );
        }
      const request = MeasuredSwitch.encodeWrite(
        Array.from({ length: BATCH }, (_, i) => ['INSERT', entity(from + i + 1)]),
      );
      const start = performance.now();
      await site.write(request);
      const rate = (BATCH / (performance.now() - start)) * 1000;
      rows.push({
        what: `${what} in a batch of ${BATCH}, after ${from.toLocaleString('en')}`,
        value: rate,
        unit: '/s',
      });
    }
  }
  return rows;
}

/** Reads that are opened and not read, while the switch must go on. */
async function unread(site: MeasuredSwitch, size: number): Promise<Row[]> {
  await fill(site, 0, size);
  const before = site.memory();
  const pinger = new Pinger(site.address);
  await pinger.ready();
  const calls = Array.from({ length: UNREAD_READS }, () => site.openRead({ tableEntry: { tableId: hosts } }));
  let largest = before;
  for (const call of calls) call.on('error', () => {});
  for (let second = 0; second < UNREAD_SECONDS && site.isAlive(); second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    largest = Math.max(largest, site.isAlive() ? site.memory() : Infinity);
  }
  const wait = await pinger.stop();
  for (const call of calls) call.cancel();
  const what = `${UNREAD_READS} unread reads of ${size.toLocaleString('en')} entries`;
  return [
    { what: `${what}, memory`, value: largest - before, unit: 'MiB' },
    { what: `${what}, longest wait of another call`, value: wait, unit: 'ms' },
  ];
}

/** Datagrams from addresses and ports that are all different, from 127/8. */
async function spoofed(site: MeasuredSwitch): Promise<Row[]> {
  const before = site.memory();
  let sent = 0;
  for (let source = 1; sent < SPOOFED_DATAGRAMS; source++) {
    const sockets = Array.from({ length: 200 }, () => createSocket('udp4'));
    const address = `127.${1 + (source >> 16)}.${(source >> 8) & 255}.${source & 255}`;
    await Promise.all(sockets.map((s) => new Promise<void>((resolve) => s.bind(0, address, () => resolve()))));
    for (const socket of sockets)
      await new Promise((resolve) => socket.send(Buffer.of(1, 2, 3), site.udpPort, '127.0.0.1', resolve));
    sent += sockets.length;
    for (const socket of sockets) socket.close();
  }
  return [
    {
      what: `${SPOOFED_DATAGRAMS.toLocaleString('en')} datagrams of as many senders, memory`,
      value: site.memory() - before,
      unit: 'MiB',
    },
  ];
}

/** A controller that causes stream errors and never reads. */
async function unreadErrors(site: MeasuredSwitch): Promise<Row[]> {
  const before = site.memory();
  const stream = site.stub.StreamChannel();
  stream.on('error', () => {});
  stream.write({ arbitration: { deviceId: 0n, electionId: toUint128(1n << 80n) } });
  const payload = new Uint8Array(1000);
  for (let i = 0; i < UNREAD_ERRORS && site.isAlive(); i++) {
    if (!stream.write({ packet: { payload, metadata: [{ metadataId: 77, value: Uint8Array.of(1) }] } }))
      await new Promise((resolve) => stream.once('drain', resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const grown = site.isAlive() ? site.memory() - before : Infinity;
  stream.cancel();
  return [{ what: `${UNREAD_ERRORS.toLocaleString('en')} stream errors unread, memory`, value: grown, unit: 'MiB' }];
}

export function render(rows: readonly Row[]): string {
  const text = (value: number): string =>
    Number.isFinite(value) ? value.toLocaleString('en', { maximumSignificantDigits: 3 }) : 'the switch ended';
  return rows.map(({ what, value, unit }) => `${what}: ${text(value)} ${unit}`).join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      entries: { type: 'string', default: '100000,1000000' },
      unread: { type: 'string', default: '500000' },
      only: { type: 'string', default: 'entries,members,unread,spoofed,errors' },
      switch: { type: 'string', default: shippedFile('bin/fpisa.js') },
    },
  });
  const sizes = wholeNumbers('entries', values.entries, BATCH, 1_100_000);
  const unreadEntries = wholeNumber('unread', values.unread, BATCH, 1_100_000);
  const parts: Record<string, (site: MeasuredSwitch) => Promise<Row[]>> = {
    entries: (site) => entries(site, sizes),
    members,
    unread: (site) => unread(site, unreadEntries),
    spoofed,
    errors: unreadErrors,
  };
  const rows: Row[] = [];
  for (const name of values.only.split(',')) {
    const part = parts[name];
    if (!part) throw new Error(`--only names parts of ${Object.keys(parts).join(', ')}, not '${name}'`);
    const site = await MeasuredSwitch.start(values.switch);
    try {
      rows.push(...(await part(site)));
    } finally {
      await site.stop();
    }
    if (!values.json) console.log(render(rows.splice(0)));
  }
  if (values.json) console.log(JSON.stringify(rows, undefined, 2));
  return 0;
}

await runAsCommand(import.meta.url, main);
