import { describe, expect, it } from 'vitest';
import { renderTrace } from '../../emulator/index.js';
import { bytes, switchWith } from './support/programs.js';

describe('trace', () => {
  it('tells the way of a packet: states, headers, tables, registers, what left', () => {
    const target = switchWith('tables');
    target.control.insertEntry('ingress_.prefix', {
      keys: [{ kind: 'lpm', value: 0x0a000000n, prefixLength: 8 }],
      priority: 0,
      call: { action: 'ingress_.give', args: [5n] },
    });
    const trace = target.trace(4, bytes('02 0007 0a010203 00 00'));
    expect(trace.events).toContainEqual({ kind: 'ingress', pass: 'received', port: 4, length: 9 });
    expect(trace.events).toContainEqual({
      kind: 'table',
      table: 'ingress_.prefix',
      key: [{ name: 'h.key.b', value: 0x0a010203n }],
      hit: true,
      entry: { keys: [{ kind: 'lpm', value: 0x0a000000n, prefixLength: 8 }], priority: 0 },
      action: 'ingress_.give',
      args: [{ name: 'value', value: 5n }],
    });
    const text = renderTrace(trace);
    expect(text).toContain('packet of 9 bytes received on port 4');
    expect(text).toContain('extract key: which=0x2 a=0x7 b=0xa010203 result=0x0 path=0x0');
    expect(text).toContain(
      'table ingress_.prefix [h.key.b=0xa010203] hit entry (0xa000000/8): ingress_.give(value=0x5)',
    );
    expect(text).toContain('9 bytes leave on port 1');
  });

  it('says who dropped the packet', () => {
    const trace = switchWith('tables').trace(1, bytes('01 0001 00000002 00 00'));
    expect(trace.events.at(-1)).toEqual({
      kind: 'drop',
      where: 'ingress',
      why: 'egress_spec is the drop port 511, marked by action ingress_.lose',
    });
    expect(renderTrace(trace)).toMatch(
      /table ingress_\.exact_ .* miss: ingress_\.lose\(\)[\s\S]*DROPPED in ingress: .* marked by action ingress_\.lose\nnothing left the switch$/,
    );
  });

  it('shows registers with their old and new values', () => {
    const target = switchWith('externs');
    target.receive(1, bytes('01 00000002 00000005'));
    const trace = target.trace(1, bytes('01 00000002 00000009'));
    expect(trace.events.filter((e) => e.kind === 'register')).toEqual([
      { kind: 'register', access: 'read', register: 'ingress_.cells', index: 2, before: 5n, after: 5n },
      { kind: 'register', access: 'write', register: 'ingress_.cells', index: 2, before: 5n, after: 9n },
      { kind: 'register', access: 'read', register: 'ingress_.cells', index: 2, before: 9n, after: 9n },
    ]);
    expect(renderTrace(trace)).toContain('register ingress_.cells[2] 0x5 -> 0x9');
  });

  it('shows parser errors and the copies of a packet', () => {
    expect(renderTrace(switchWith('parsing').trace(1, bytes('ab01')))).toContain('parser error BadMagic');
    const target = switchWith('copies');
    target.control.setMulticastGroup(5, [{ egressPort: 2, instance: 7 }]);
    expect(renderTrace(target.trace(1, bytes('01 00 00000000 0000 00 00 0000')))).toContain(
      'multicast group 5: port 2 instance 7',
    );
  });

  it('leaves the same bytes and the same state as a run without a trace', () => {
    const [plain, traced] = [switchWith('externs'), switchWith('externs')];
    for (const text of [
      '01 00000001 00000005',
      '02 00000000 00000005',
      '06 00000000 31323334',
      '01 00000001 00000006',
    ]) {
      expect(traced.trace(1, bytes(text)).outputs).toEqual(plain.receive(1, bytes(text)));
    }
    expect(traced.control.readRegister('ingress_.cells', 1)).toBe(6n);
  });
});
