/** The fuzzer of P4Runtime writes, for a short while: no crash, and BMv2's verdicts where BMv2 is on PATH. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzzP4Runtime } from '../../fuzz/p4runtime.js';
import { CLASSES, classOf, type Difference } from '../../fuzz/p4runtime/differences.js';
import { renderDifference } from '../../fuzz/p4runtime/fuzzer.js';
import { bmv2Version, startBmv2, startOurs } from '../../fuzz/p4runtime/servers.js';

const TIMEOUT_MS = 300_000;

describe('random P4Runtime writes', () => {
  it('never break the server', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzP4Runtime({ writes: 2000, seed: 1 });
    expect(report.unknown.map(renderDifference)).toEqual([]);
    expect(report.writes).toBe(2000);
    expect(report.mutated).toBeGreaterThan(report.updates / 3);
    expect(report.accepted).toBeGreaterThan(report.updates / 3);
    expect(report.accepted).toBeLessThan(report.updates - report.mutated / 3);
  });

  it('are no different on the same server twice', { timeout: TIMEOUT_MS }, async () => {
    const report = await fuzzP4Runtime({ writes: 200, seed: 2, startOther: startOurs });
    expect([...report.known]).toEqual([]);
    expect(report.unknown.map(renderDifference)).toEqual([]);
  });

  it('show a server that takes too much', { timeout: TIMEOUT_MS }, async () => {
    const startOther = async () =>
      Object.assign(await startOurs(), { write: async () => ({ code: 'OK', message: '', updates: [] }) });
    expect((await fuzzP4Runtime({ writes: 60, seed: 3, only: 'tables', startOther })).unknown.length).toBeGreaterThan(
      0,
    );
  });

  it.skipIf(bmv2Version() === undefined)(
    'have the verdicts of simple_switch_grpc, but for the known differences',
    { timeout: TIMEOUT_MS },
    async () => {
      const report = await fuzzP4Runtime({ writes: 500, seed: 4, startOther: startBmv2 });
      expect(report.unknown.map(renderDifference)).toEqual([]);
    },
  );
});

const NO_DIFFERENCE: Difference = {
  ...{
    program: 'profiles',
    what: 'update',
    kind: 'nothing',
    type: 'MODIFY',
    how: '',
    ours: 'OK',
    theirs: 'OK',
    oursMessage: '',
    theirsMessage: '',
  },
  ...{ update: undefined, request: { message: {}, how: '' }, apart: [], refused: [], isIndirect: false },
};

describe('the known differences', () => {
  const member = { actionProfileMember: { actionProfileId: 7, memberId: 3 } };
  const group = { actionProfileGroup: { actionProfileId: 7, groupId: 1, members: [{ memberId: 3, weight: 0 }] } };
  const repointed = { tableEntry: { tableId: 2, match: [], action: { actionProfileGroupId: 5 } } };
  const counter = { counterEntry: { counterId: 4, index: { index: 2n } } };

  it('say that BMv2 deletes a member in use only after it refused to repoint an entry', () => {
    const deleted: Difference = {
      ...NO_DIFFERENCE,
      ...{ kind: 'actionProfileMember', type: 'DELETE', update: { type: 'DELETE', entity: member } },
      ...{ ours: 'FAILED_PRECONDITION', oursMessage: 'Member 3 of spread is in use.' },
    };
    expect(classOf(deleted)).toBeUndefined();
    expect(classOf({ ...deleted, refused: [{ type: 'INSERT', entity: group }] })).toBeUndefined();
    expect(classOf({ ...deleted, refused: [{ type: 'MODIFY', entity: repointed }] })).toBe('uses of members');
  });

  it('say that a group is there only if it was refused before', () => {
    const inserted: Difference = {
      ...NO_DIFFERENCE,
      ...{ kind: 'actionProfileGroup', type: 'INSERT', update: { type: 'INSERT', entity: group } },
      ...{ theirs: 'ALREADY_EXISTS', theirsMessage: 'Duplicate group id: 1' },
    };
    const other = { actionProfileGroup: { ...group.actionProfileGroup, groupId: 2 } };
    expect(classOf(inserted)).toBeUndefined();
    expect(classOf({ ...inserted, refused: [{ type: 'INSERT', entity: other }] })).toBeUndefined();
    expect(classOf({ ...inserted, refused: [{ type: 'INSERT', entity: group }] })).toBe('remains of a refused update');
  });

  it('follow from an entry that BMv2 took although its key lacks the bytes of 0', () => {
    const entry = (value: object) => ({
      tableEntry: { tableId: 9, match: [{ fieldId: 1, lpm: { prefixLen: 12, ...value } }] },
    });
    const zero = entry({ value: Uint8Array.of(0) });
    const modified: Difference = {
      ...NO_DIFFERENCE,
      kind: 'tableEntry',
      update: { type: 'MODIFY', entity: zero },
      theirs: 'NOT_FOUND',
    };
    const after = (entity: object): Difference => ({ ...modified, apart: [{ type: 'DELETE', entity }] });
    expect(classOf(modified)).toBeUndefined();
    expect(classOf(after(entry({ value: Uint8Array.of(1) })))).toBeUndefined();
    for (const value of [{}, { value: Uint8Array.of() }, { value: Uint8Array.of(0, 0) }])
      expect(classOf(after(entry(value)))).toBe('follows from an earlier update of the batch');
  });

  it('let a counter be zero only where it was written without a value', () => {
    const values = (bytes: number): string =>
      `{counterEntry:{counterId:4 data:{byteCount:${bytes} packetCount:${bytes}} index:{index:2}}}`;
    const zero: Difference = {
      ...NO_DIFFERENCE,
      what: 'state',
      kind: 'counterEntry',
      update: { type: 'UNSPECIFIED', entity: counter },
      ours: values(9),
      theirs: values(0),
    };
    const after = (entity: object): Difference => ({
      ...zero,
      request: { message: { updates: [{ type: 'MODIFY', entity }] }, how: '' },
    });
    expect(classOf(zero)).toBeUndefined();
    expect(classOf(after({ counterEntry: { ...counter.counterEntry, data: {} } }))).toBeUndefined();
    expect(classOf(after(counter))).toBe('counters without data');
    expect(classOf({ ...after(counter), theirs: values(8) })).toBeUndefined();
  });

  it('let one update follow from another only if they have to do with each other', () => {
    const inserted: Difference = {
      ...NO_DIFFERENCE,
      kind: 'actionProfileMember',
      type: 'INSERT',
      update: { type: 'INSERT', entity: member },
      theirs: 'ALREADY_EXISTS',
    };
    expect(classOf({ ...inserted, apart: [{ type: 'INSERT', entity: counter }] })).toBeUndefined();
    expect(classOf({ ...inserted, apart: [{ type: 'INSERT', entity: member }] })).toBe(
      'follows from an earlier update of the batch',
    );
  });

  it('tell a digest that BMv2 alone lacks from one that neither has', () => {
    const read: Difference = {
      ...NO_DIFFERENCE,
      what: 'state',
      kind: 'read',
      how: 'a digest',
      theirs: 'NOT_FOUND, 0 entities Digest 4 not configured',
    };
    expect(classOf({ ...read, ours: 'OK, 0 entities ' })).toBe('reading digests');
    expect(classOf({ ...read, ours: 'OK, 1 entities ' })).toBeUndefined();
  });

  it('are those that docs/compatibility.md explains', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url)), 'utf8');
    const section = page.slice(page.indexOf('## P4Runtime'), page.indexOf('\n## ', page.indexOf('## P4Runtime') + 3));
    const explained = [...section.matchAll(/^\| ([^|]+) \|/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'difference' && !name.startsWith('--'));
    expect(explained.sort()).toEqual(CLASSES.map(({ name }) => name).sort());
  });
});
