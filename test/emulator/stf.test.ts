import { describe, expect, it } from 'vitest';
import { parseStf, runStf, StfError } from '../../emulator/index.js';
import { switchWith } from './support/programs.js';

describe('STF reader', () => {
  it('reads every kind of statement', () => {
    const commands = parseStf(`
      # a comment
      packet 0 01 02 ff   # and one behind a statement
      expect 3 01*2 $
      expect 4
      add test1 100 data.f2:0x0404**** x$0.f:5 ip:0x0a000000/8 c4_6(val4:0x4040, port:2) = A
      setdefault "a table" drop()
      check_counter cnt($A) packets == 2
      mc_node_create 257 6 8
      wait
      no_packet
      remove all`);
    expect(commands.map((command) => ({ ...command, line: undefined }))).toEqual([
      { command: 'packet', port: 0, data: '0102ff' },
      { command: 'expect', port: 3, data: '01*2$' },
      { command: 'expect', port: 4, data: undefined },
      {
        command: 'add',
        table: 'test1',
        priority: 100,
        name: 'A',
        matches: [
          { key: 'data.f2', value: '0x0404****', prefixLength: undefined },
          { key: 'x$0.f', value: '5', prefixLength: undefined },
          { key: 'ip', value: '0x0a000000', prefixLength: 8 },
        ],
        action: {
          name: 'c4_6',
          args: new Map([
            ['val4', '0x4040'],
            ['port', '2'],
          ]),
        },
      },
      { command: 'setdefault', table: 'a table', action: { name: 'drop', args: new Map() } },
      { command: 'check_counter', counter: 'cnt', index: '$A', check: { unit: 'packets', operator: '==', value: 2 } },
      { command: 'switch', verb: 'mc_node_create', args: ['257', '6', '8'] },
      { command: 'wait' },
      { command: 'no_packet' },
      { command: 'remove_all' },
    ]);
  });

  it('names line and choices when it does not understand', () => {
    expect(() => parseStf('\nfly 3')).toThrow(/line 2: no command "fly" \(valid: packet, expect/);
    expect(() => parseStf('packet 0 123')).toThrow(StfError);
    expect(() => parseStf('add t')).toThrow(/line 1: an entry is/);
  });
});

describe('STF runner', () => {
  const run = (text: string) => runStf(switchWith('tables'), text);

  it('adds entries by suffix names and compares what leaves', () => {
    const result = run(`
      add exact_ a:1 b:0x2 count_and_give(value:5) = one
      add masked 10 h.key.a:0x01** h.key.b:1 give(value:6)
      add masked 20 a:0x0101 b:1 give(value:7)
      add prefix h.key.b:0x0a000000/8 give(value:8)
      setdefault prefix give(value:9)
      packet 2 01 0001 00000002 00 00
      expect 1 01 0001 00000002 05 01 $
      packet 2 03 0101 00000001 00 00
      expect 1 03 0101 00000001 07
      packet 2 02 0000 0a090909 00 00 ff
      expect 1 02 **** 0a 09
      packet 2 02 0000 0b090909 00 00
      expect 1
      check_counter hits($one) packets == 1
      check_counter hits($one) bytes == 9`);
    expect(result).toEqual({ passed: true, failures: [], packets: 4, expectations: 4 });
  });

  it('fails on other bytes, other lengths, missing and surplus packets, wrong counters', () => {
    const packet = 'packet 2 03 0000 00000000 00 00\n';
    expect(run(`${packet}expect 1 04`).failures).toEqual([
      'line 2: packet 1 on port 1 differs at digit 1: 030000000000000004, expected 04',
    ]);
    expect(run(`${packet}expect 1 0300 $`).failures[0]).toMatch(/is 9 bytes long, expected 2/);
    expect(run(`${packet}expect 1 ${'03'.repeat(10)}`).failures[0]).toMatch(/expected at least 10/);
    expect(run(`${packet}expect 1\nexpect 1`).failures).toEqual(['port 1: 1 packet(s) left, expected 2']);
    expect(run(`expect 1\n${packet}${packet}`).failures).toEqual(['port 1: 2 packet(s) left, expected 1']);
    expect(run('add exact_ a:1 count_and_give(value:1) = x\ncheck_counter hits($x) packets == 1').failures[0]).toMatch(
      /has 0 packets, expected == 1/,
    );
    expect(() => run('add nowhere a:1 give(value:1)')).toThrow(/no table "nowhere"/);
    expect(() => run('add prefix zz:1 give(value:1)')).toThrow(/no key "zz" \(it has: h.key.b\)/);
    expect(() => run('add prefix give(worth:1)')).toThrow(/no parameter "worth"/);
  });

  it('drives multicast and mirroring', () => {
    const result = runStf(
      switchWith('copies'),
      `
      mc_mgrp_create 5
      mc_node_create 7 3 2
      mc_node_associate 5 0
      mirroring_add 3 6
      packet 1 01 00 00000000 0000 00 00 0000
      expect 2 01 01 00000005 0007
      expect 3 01 01 00000005 0007
      packet 1 02 00 00000000 0000 00 00 0000
      expect 6 02 00 00000001
      packet 1 04 00 00000000 0000 00 00 0000`,
    );
    // Port 1 is named, so what leaves there without being expected counts.
    expect(result.failures).toEqual(['port 1: 2 packet(s) left, expected 0']);
  });
});
