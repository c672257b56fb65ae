import { beforeEach, describe, expect, it } from 'vitest';
import type { Switch } from '../../emulator/index.js';
import { switchWith } from './support/programs.js';

let target: Switch;
beforeEach(() => {
  target = switchWith('copies');
});

/** What leaves: port, hops, instance type, replica, preserved and lost metadata, ingress port seen, payload. */
function run(op: number, hops = 0) {
  const packet = Uint8Array.from([op, hops, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0xfe]);
  return target.receive(9, packet).map(({ port, bytes }) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      port,
      hops: bytes[1],
      type: view.getUint32(2),
      replica: view.getUint16(6),
      kept: bytes[8],
      lost: bytes[9],
      from: view.getUint16(10),
      payload: view.getUint16(12),
    };
  });
}

const plain = { hops: 1, type: 0, replica: 0, kept: 0x11, lost: 0x22, from: 9, payload: 0xcafe };

describe('traffic manager', () => {
  it('unicast: egress_spec says where', () => {
    expect(run(0)).toEqual([{ ...plain, port: 1 }]);
  });

  it('multicast: one copy for each replica, with its instance', () => {
    target.control.setMulticastGroup(5, [
      { egressPort: 2, instance: 7 },
      { egressPort: 9, instance: 8 },
    ]);
    expect(run(1)).toEqual([
      { ...plain, port: 2, type: 5, replica: 7 },
      { ...plain, port: 9, type: 5, replica: 8 },
    ]);
    target.control.deleteMulticastGroup(5);
    expect(run(1)).toEqual([]);
  });

  it('clone from ingress: the packet as it came, with only the listed metadata', () => {
    target.control.setCloneSession(3, [{ egressPort: 6, instance: 4 }], 0);
    const outputs = run(2);
    expect(outputs).toHaveLength(2);
    expect(outputs).toContainEqual({ ...plain, port: 1 });
    expect(outputs).toContainEqual({
      port: 6,
      hops: 0,
      type: 1,
      replica: 4,
      kept: 0x11,
      lost: 0,
      from: 0,
      payload: 0xcafe,
    });
  });

  it('clone from egress: the headers as egress left them, and egress runs again', () => {
    target.control.setCloneSession(3, [{ egressPort: 6, instance: 0 }], 0);
    const outputs = run(3);
    expect(outputs).toContainEqual({ ...plain, port: 6, type: 2, lost: 0 });
    expect(outputs).toContainEqual({ ...plain, port: 1 });
  });

  it('a clone to a session that does not exist is nothing', () => {
    expect(run(2)).toHaveLength(1);
  });

  it('a clone session can cut its clones', () => {
    target.control.setCloneSession(3, [{ egressPort: 6, instance: 0 }], 3);
    const clone = target
      .receive(9, Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]))
      .find(({ port }) => port === 6);
    expect(clone!.bytes).toHaveLength(3);
  });

  it('resubmit: the packet as it came goes through ingress again, once', () => {
    expect(run(4)).toEqual([{ port: 1, hops: 0, type: 0, replica: 0, kept: 0x11, lost: 0, from: 0, payload: 0xcafe }]);
  });

  it('recirculate: the packet as it left goes through the switch again', () => {
    expect(run(5)).toEqual([{ port: 1, hops: 3, type: 0, replica: 0, kept: 0x11, lost: 0, from: 0, payload: 0xcafe }]);
  });

  it('a packet that recirculates for ever is dropped after as many passes as the switch allows', () => {
    expect(run(10)).toEqual([]);
    expect(target.statistics.droppedForPasses).toBe(1);
  });

  it('mark_to_drop drops in ingress and egress, and undoes multicast', () => {
    target.control.setMulticastGroup(5, [{ egressPort: 2, instance: 7 }]);
    expect([run(6), run(7), run(9)]).toEqual([[], [], []]);
    expect(target.statistics).toMatchObject({ droppedInIngress: 2, droppedInEgress: 1 });
  });

  it('a priority without a queue drops the packet, as in simple_switch', () => {
    expect(run(8)).toEqual([]);
    target = switchWith('copies', { queuesPerPort: 8 });
    expect(run(8)).toHaveLength(1);
  });
});
