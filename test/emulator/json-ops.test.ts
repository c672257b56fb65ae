/** What BMv2's JSON has beyond what p4c writes for our test programs; see support/json-ops/program.ts. */
import { describe, expect, it } from 'vitest';
import { ENGINE_NAMES, PacketAbortError, Switch } from '../../emulator/index.js';
import { JSON_CASES, jsonOpsProgram, outputOf, packetOf } from './support/json-ops/program.js';
import { bytes, hex } from './support/programs.js';

describe.each(ENGINE_NAMES)('operations of the JSON, engine %s', (engine) => {
  const target = new Switch({ engine });
  target.load(jsonOpsProgram());

  it.each(JSON_CASES.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await target.ready();
    expect(target.receive(3, packetOf(each)).map((output) => hex(output.bytes))).toEqual(outputOf(each));
  });

  it('an assumption that does not hold ends the packet', async () => {
    await target.ready();
    const { code } = JSON_CASES.find(({ name }) => name === 'assume')!;
    expect(() => target.receive(3, bytes(`${code.toString(16).padStart(2, '0')} 00000002 00000001 00000000`))).toThrow(
      PacketAbortError,
    );
  });

  it('division by zero ends the packet', async () => {
    await target.ready();
    const dividing = JSON_CASES.filter(({ name }) => /^[/%]/.test(name));
    expect(dividing).toHaveLength(4);
    for (const { code, name } of dividing) {
      expect(
        () => target.receive(3, bytes(`${code.toString(16).padStart(2, '0')} 00000002 00000000 00000000`)),
        name,
      ).toThrow(PacketAbortError);
    }
  });
});
