import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { P4InfoIndex, parseP4Info, unary, type P4Info, type PipelineResponseType } from '../../../p4runtime/index.js';
import { action, failureOf, file, frame, index, l2, program, tableId, TestBed } from './support.js';

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
});
afterEach(() => bed.stop());

const config = (cookie?: bigint) => ({
  p4info: index.message,
  p4DeviceConfig: program(),
  ...(cookie !== undefined && { cookie: { cookie } }),
});
const get = (responseType: PipelineResponseType = 'ALL', deviceId = 1n) =>
  unary(bed.stub, 'GetForwardingPipelineConfig', { deviceId, responseType });
const code = async (call: Promise<unknown>) => (await failureOf(call)).code;
const entries = async () => (await bed.read({ tableEntry: { tableId: tableId('l2') } })).length;

describe('GetForwardingPipelineConfig', () => {
  it('has no config before one is set', async () => {
    expect(await get()).toEqual({});
    expect(await code(get('ALL', 9n))).toBe('NOT_FOUND');
  });

  it('gives back what was set, by response type', async () => {
    await bed.setPipeline('VERIFY_AND_COMMIT', config(2n ** 64n - 1n));
    const cookie = { cookie: 2n ** 64n - 1n };
    const p4DeviceConfig = new Uint8Array(program());
    const none = new Uint8Array(0);
    const p4info = index.message;
    expect(await get('ALL')).toEqual({ config: { p4info, p4DeviceConfig, cookie } });
    expect(await get('COOKIE_ONLY')).toEqual({ config: { p4DeviceConfig: none, cookie } });
    expect(await get('P4INFO_AND_COOKIE')).toEqual({ config: { p4info, p4DeviceConfig: none, cookie } });
    expect(await get('DEVICE_CONFIG_AND_COOKIE')).toEqual({ config: { p4DeviceConfig, cookie } });
  });

  it('leaves the cookie unset if there was none', async () => {
    await bed.setPipeline('VERIFY_AND_COMMIT', config());
    expect((await get('COOKIE_ONLY')).config).not.toHaveProperty('cookie');
  });
});

describe('VERIFY', () => {
  it('changes nothing', async () => {
    await bed.setPipeline('VERIFY', config(1n));
    expect(await get()).toEqual({});
  });

  it('refuses what cannot run', async () => {
    const bad = async (change: object) =>
      failureOf(bed.setPipeline('VERIFY', { ...config(), ...change } as ReturnType<typeof config>));
    expect(await code(bed.setPipeline('VERIFY', undefined))).toBe('INVALID_ARGUMENT');
    expect(await bad({ p4info: undefined })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'The request has no P4Info.',
    });
    expect(await bad({ p4DeviceConfig: new Uint8Array(0) })).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await bad({ p4DeviceConfig: Buffer.from('{}') })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('The program cannot be loaded'),
    });
    expect(await bad({ p4DeviceConfig: Buffer.from('not JSON') })).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await bad({ p4DeviceConfig: Uint8Array.of(0xff) })).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses a P4Info of another program', async () => {
    const other = (text: string) => bed.setPipeline('VERIFY', { ...config(), p4info: parseP4Info(text) });
    const unknown = await failureOf(other('tables { preamble { id: 1 name: "elsewhere" } }'));
    expect(unknown).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(unknown.message).toContain("The P4Info names elsewhere, which is not among the program's tables");
    const keys = await failureOf(
      other('tables { preamble { id: 1 name: "Ingress_.l2" } match_fields { id: 1 bitwidth: 48 match_type: LPM } }'),
    );
    expect(keys.message).toContain('The keys of table Ingress_.l2 differ');
    expect(await code(other('tables { preamble { name: "x" } }'))).toBe('INVALID_ARGUMENT');
  });

  it.each(['pkg_info {}', 'pkg_info { arch: "v1model" }'])('refuses a P4Info that is empty: %j', async (text) => {
    const { code: status, message } = await failureOf(
      bed.setPipeline('VERIFY', { ...config(), p4info: parseP4Info(text) }),
    );
    expect(status).toBe('INVALID_ARGUMENT');
    expect(message).toContain('The P4Info is empty, but the program has tables: ');
  });

  it.each<[string, (table: P4Info['tables'][number], p4info: P4Info) => void, string]>([
    [
      'width of a key',
      (table) => (table.matchFields[0]!.bitwidth = 47),
      'has 47 bits in the P4Info and 48 in the program',
    ],
    [
      'width of a parameter',
      (_, { actions }) => (actions.find(({ params }) => params.length > 0)!.params[0]!.bitwidth = 77),
      'differ between the P4Info and the program',
    ],
    [
      'name of an action',
      (_, { actions }) => (actions.find(({ preamble }) => preamble!.alias === 'forward')!.preamble!.name = 'elsewhere'),
      'The P4Info names action elsewhere of',
    ],
  ])('refuses a P4Info with another %s than the program', async (_, change, says) => {
    const p4info = parseP4Info(file('features.p4info.txtpb').toString());
    change(
      p4info.tables.find(({ preamble }) => preamble!.name === 'Ingress_.l2')!,
      p4info,
    );
    const failure = await failureOf(bed.setPipeline('VERIFY', { ...config(), p4info }));
    expect([failure.code, failure.message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(says)]);
  });
});

/** `p4.tmp.P4DeviceConfig`, in which the p4lang tutorials put the program: reassign (field 1), device_data (field 3). */
function deviceConfig(data: Uint8Array, reassign = false): Buffer {
  const length: number[] = [];
  for (let rest = data.length; ; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([...(reassign ? [0x08, 0x01] : []), 0x1a, ...length]), data]);
}

describe('a program in a p4.tmp.P4DeviceConfig', () => {
  it.each([false, true])('is taken by every action, with reassign %s', async (reassign) => {
    const wrapped = { ...config(9n), p4DeviceConfig: deviceConfig(program(), reassign) };
    await bed.setPipeline('VERIFY', wrapped);
    expect(await get()).toEqual({});
    await bed.setPipeline('VERIFY_AND_COMMIT', wrapped);
    await bed.insert(l2(5n, action('forward', 3)));
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([3]);
    await bed.setPipeline('RECONCILE_AND_COMMIT', wrapped);
    expect(await entries()).toBe(1);
    await bed.setPipeline('VERIFY_AND_SAVE', wrapped);
    await bed.insert(l2(5n, action('forward', 4)));
    await bed.setPipeline('COMMIT', undefined);
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([4]);
    // What was set, wrapper and all.
    expect((await get('DEVICE_CONFIG_AND_COOKIE')).config).toEqual({
      p4DeviceConfig: new Uint8Array(wrapped.p4DeviceConfig),
      cookie: { cookie: 9n },
    });
  });

  it('may hold extras and fields that are not known', async () => {
    const p4DeviceConfig = Buffer.concat([
      Buffer.from('12020a00', 'hex'),
      deviceConfig(program()),
      Buffer.from('4007', 'hex'),
    ]);
    await bed.setPipeline('VERIFY', { ...config(), p4DeviceConfig });
  });

  it.each([
    ['bytes that are neither', Uint8Array.of(0xff)],
    ['text that is no object', Buffer.from('not JSON')],
    ['a wrapper without a program', Uint8Array.of(0x08, 0x01)],
    ['a wrapper that is cut short', deviceConfig(program()).subarray(0, 100)],
  ])('or as it is, says the error for %s', async (_, p4DeviceConfig) => {
    expect(await failureOf(bed.setPipeline('VERIFY', { ...config(), p4DeviceConfig }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message:
        'The program cannot be loaded: p4_device_config is neither the BMv2 JSON nor a p4.tmp.P4DeviceConfig that holds it.',
    });
  });

  it('says where the JSON within is wrong', async () => {
    const p4DeviceConfig = deviceConfig(Buffer.from('{"__meta__": 7}'));
    const { message } = await failureOf(bed.setPipeline('VERIFY', { ...config(), p4DeviceConfig }));
    expect(message).toContain('The program cannot be loaded: __meta__');
  });
});

describe('VERIFY_AND_COMMIT', () => {
  it('clears the forwarding state', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('forward', 3)));
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([3]);
    await bed.commit();
    expect(await entries()).toBe(0);
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234))).toEqual([]);
  });

  it('leaves the running pipeline if the new one cannot run', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('forward', 3)));
    await failureOf(bed.setPipeline('VERIFY_AND_COMMIT', { ...config(), p4DeviceConfig: Buffer.from('{}') }));
    expect(await entries()).toBe(1);
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).length).toBe(1);
  });
});

describe('VERIFY_AND_SAVE and COMMIT', () => {
  it('let writes go to the saved pipeline while packets run through the old one', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('forward', 3)));
    await bed.setPipeline('VERIFY_AND_SAVE', config(7n));
    expect(await entries()).toBe(0);
    expect((await get('COOKIE_ONLY')).config!.cookie).toEqual({ cookie: 7n });
    await bed.insert(l2(5n, action('forward', 4)));
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([3]);
    await bed.setPipeline('COMMIT', undefined);
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([4]);
    expect(await code(bed.setPipeline('COMMIT', undefined))).toBe('NOT_FOUND');
  });

  it('refuse a COMMIT with a config, or of nothing', async () => {
    expect(await code(bed.setPipeline('COMMIT', undefined))).toBe('NOT_FOUND');
    await bed.setPipeline('VERIFY_AND_SAVE', config());
    expect(await code(bed.setPipeline('COMMIT', config()))).toBe('INVALID_ARGUMENT');
  });
});

describe('RECONCILE_AND_COMMIT', () => {
  it('is a commit if there is nothing to keep', async () => {
    await bed.setPipeline('RECONCILE_AND_COMMIT', config(3n));
    expect((await get('COOKIE_ONLY')).config!.cookie).toEqual({ cookie: 3n });
  });

  it('keeps entries, defaults, groups, counters, meters, registers and digests', async () => {
    await bed.commit();
    const profile = index.actionProfiles.find('selector').id;
    const forward = (port: number) => action('forward', port).action;
    await bed.writeAll([
      ['INSERT', l2(5n, action('metered_forward', 3), { metadata: Uint8Array.of(9), idleTimeoutNs: 12_345n })],
      ['MODIFY', { tableEntry: { tableId: tableId('routes'), isDefaultAction: true, action: action('forward', 8) } }],
      [
        'INSERT',
        {
          packetReplicationEngineEntry: {
            multicastGroupEntry: { multicastGroupId: 2, replicas: [{ port: Uint8Array.of(1), instance: 4 }] },
          },
        },
      ],
      ['INSERT', { packetReplicationEngineEntry: { cloneSessionEntry: { sessionId: 3, packetLengthBytes: 20 } } }],
      ['INSERT', { actionProfileMember: { actionProfileId: profile, memberId: 1, action: forward(6) } }],
      [
        'INSERT',
        {
          actionProfileGroup: {
            actionProfileId: profile,
            groupId: 1,
            maxSize: 4,
            members: [{ memberId: 1, weight: 2 }],
          },
        },
      ],
      [
        'INSERT',
        {
          tableEntry: {
            tableId: tableId('balanced'),
            match: [{ fieldId: 1, exact: { value: Uint8Array.of(9) } }],
            action: { actionProfileGroupId: 1 },
          },
        },
      ],
      [
        'MODIFY',
        {
          counterEntry: {
            counterId: index.counters.find('seen').id,
            index: { index: 3n },
            data: { packetCount: 7n, byteCount: 70n },
          },
        },
      ],
      [
        'MODIFY',
        {
          meterEntry: {
            meterId: index.meters.find('policer').id,
            index: { index: 1n },
            config: { cir: 1n, cburst: 2n, pir: 3n, pburst: 4n },
          },
        },
      ],
      [
        'MODIFY',
        {
          registerEntry: {
            registerId: index.registers.find('signed_notes').id,
            index: { index: 2n },
            data: { bitstring: Uint8Array.of(0x9d) },
          },
        },
      ],
      [
        'MODIFY',
        {
          valueSetEntry: {
            valueSetId: index.valueSets.find('special_types').id,
            members: [{ match: [{ fieldId: 1, exact: { value: Uint8Array.of(8) } }] }],
          },
        },
      ],
      ['INSERT', { digestEntry: { digestId: index.digests.find('learn_t').id, config: { maxListSize: 3 } } }],
    ]);
    const everything = () =>
      bed.read(
        { tableEntry: { counterData: {}, meterConfig: {} } },
        { tableEntry: { isDefaultAction: true } },
        { actionProfileMember: {} },
        { actionProfileGroup: {} },
        { packetReplicationEngineEntry: { multicastGroupEntry: {} } },
        { packetReplicationEngineEntry: { cloneSessionEntry: {} } },
        { counterEntry: {} },
        { meterEntry: {} },
        { registerEntry: {} },
        { valueSetEntry: {} },
        { digestEntry: {} },
      );
    const before = await everything();
    await bed.setPipeline('RECONCILE_AND_COMMIT', config(2n));
    expect(await everything()).toEqual(before);
    expect(bed.device.receive(1, frame(77n, 1n, 0x1234)).map(({ port }) => port)).toEqual([8]);
  });

  it('refuses if an entry does not fit, and changes nothing', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('forward', 3)));
    // The same program by another compiler: its P4Info lacks the action in the table.
    const text = file('features.p4info.txtpb').toString();
    const id = index.actions.find('forward').id;
    const p4info = parseP4Info(text);
    const table = p4info.tables.find(({ preamble }) => preamble!.name === 'Ingress_.l2')!;
    table.actionRefs = table.actionRefs.filter((ref) => ref.id !== id);
    const failure = await failureOf(bed.setPipeline('RECONCILE_AND_COMMIT', { ...config(5n), p4info }));
    expect(failure.code).toBe('INVALID_ARGUMENT');
    expect(failure.message).toContain('The state cannot be kept');
    expect((await get('P4INFO_AND_COOKIE')).config).toMatchObject({ p4info: index.message });
    expect(bed.device.receive(1, frame(5n, 1n, 0x1234)).map(({ port }) => port)).toEqual([3]);
    expect(new P4InfoIndex(p4info).tables.find('l2').actions.names).not.toContain('Ingress_.forward');
  });
});

describe('the request', () => {
  it('needs a known action, device and no role id', async () => {
    expect(await code(bed.setPipeline('UNSPECIFIED', config()))).toBe('INVALID_ARGUMENT');
    expect(await code(bed.setPipeline(17 as never, config()))).toBe('UNIMPLEMENTED');
    expect(await code(bed.setPipeline('VERIFY', config(), { deviceId: 2n }))).toBe('NOT_FOUND');
    expect(await code(bed.setPipeline('VERIFY', config(), { roleId: 2n }))).toBe('INVALID_ARGUMENT');
  });

  it('may be larger than the 4 MiB that gRPC allows by default', async () => {
    const padded = Buffer.concat([program(), Buffer.alloc(5 * 1024 * 1024, ' ')]);
    await bed.setPipeline('VERIFY', { ...config(), p4DeviceConfig: padded });
  });
});

describe('Capabilities', () => {
  it('says the version of the API', async () => {
    expect(await unary(bed.stub, 'Capabilities', {})).toEqual({ p4runtimeApiVersion: '1.4.1' });
  });
});

describe('a pipeline that does not come from a controller', () => {
  it('has no cookie and serves at once', async () => {
    const own = await TestBed.start();
    try {
      own.server.setPipeline({ p4info: index.message, p4DeviceConfig: program() });
      expect(await own.read({ tableEntry: { tableId: tableId('l2') } })).toEqual([]);
    } finally {
      await own.stop();
    }
  });
});
