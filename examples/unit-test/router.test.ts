/** Unit tests of router.p4, from which p4c made router.json: no network interfaces, no privileges, no waiting. */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { renderTrace, Switch } from 'fpisa/emulator';

const program = readFileSync(new URL('router.json', import.meta.url), 'utf8');

/** Ethernet and IPv4 up to the addresses, then a payload. */
function packet(destination: string, ttl = 64): Uint8Array {
  const ip = Buffer.from('4500001600000000400000000a000001c0a80001cafe', 'hex');
  ip[8] = ttl;
  ip.set(destination.split('.').map(Number), 16);
  return Buffer.concat([Buffer.from('0000000000010000000000020800', 'hex'), ip]);
}

let router: Switch;
beforeEach(() => {
  router = new Switch({ clock: 0 });
  router.load(program);
  router
    .table('ipv4_lpm')
    .insert({ 'hdr.ipv4.dstAddr': '10.0.0.0/8' }, 'ipv4_forward', { port: 2, dstAddr: '00:00:00:00:00:0a' });
});

test('the longest prefix wins', () => {
  router
    .table('ipv4_lpm')
    .insert({ dstAddr: '10.1.0.0/16' }, 'ipv4_forward', { port: 3, dstAddr: '00:00:00:00:00:0b' });
  expect(router.receive(1, packet('10.0.0.9')).map(({ port }) => port)).toEqual([2]);
  expect(router.receive(1, packet('10.1.0.9')).map(({ port }) => port)).toEqual([3]);
});

test('the header is rewritten', () => {
  const [output] = router.receive(1, packet('10.0.0.9', 64));
  expect(Buffer.from(output!.bytes.subarray(0, 12)).toString('hex')).toBe('00000000000a' + '000000000001');
  expect(output!.bytes[22]).toBe(63);
  expect(Buffer.from(output!.bytes.subarray(-2)).toString('hex')).toBe('cafe');
});

test('what nobody has a route for is dropped, and the trace says by whom', () => {
  const trace = router.trace(1, packet('11.0.0.1'));
  expect(trace.outputs).toEqual([]);
  expect(trace.events).toContainEqual(
    expect.objectContaining({ kind: 'table', table: 'ingress.ipv4_lpm', hit: false, action: 'ingress.drop' }),
  );
  expect(renderTrace(trace)).toContain(
    'DROPPED in ingress: egress_spec is the drop port 511, marked by action ingress.drop',
  );
});
