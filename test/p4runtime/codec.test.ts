import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import {
  codec,
  MessageDecodeError,
  MessageShapeError,
  protobufRoot,
  type RpcStatus,
  type SetForwardingPipelineConfigRequest,
  type StreamMessageRequest,
  type StreamMessageResponse,
  type TableEntry,
  type UpdateError,
  type WriteRequest,
} from '../../p4runtime/index.js';
import { fixture } from './fixtures.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const write = codec<WriteRequest>('p4.v1.WriteRequest');
const request = codec<StreamMessageRequest>('p4.v1.StreamMessageRequest');
const response = codec<StreamMessageResponse>('p4.v1.StreamMessageResponse');
const pipeline = codec<SetForwardingPipelineConfigRequest>('p4.v1.SetForwardingPipelineConfigRequest');
const status = codec<RpcStatus>('google.rpc.Status');
const updateError = codec<UpdateError>('p4.v1.Error');
const tableEntry = codec<TableEntry>('p4.v1.TableEntry');

describe('messages that Google protobuf wrote', () => {
  it('decodes a write with every match kind, 64-bit extremes and both port forms', () => {
    expect(write.decode(fixture('write'))).toEqual({
      deviceId: 2n ** 64n - 1n,
      roleId: 0n,
      role: 'tenant',
      electionId: { high: 2n ** 63n, low: 1n },
      atomicity: 'DATAPLANE_ATOMIC',
      updates: [
        {
          type: 'INSERT',
          entity: {
            tableEntry: {
              tableId: 0x02000001,
              match: [
                { fieldId: 1, exact: { value: bytes(10, 0, 0, 1) } },
                { fieldId: 2, ternary: { value: bytes(0x10), mask: bytes(0xf0) } },
                { fieldId: 3, lpm: { value: bytes(10, 0), prefixLen: 15 } },
                { fieldId: 4, range: { low: bytes(0), high: bytes(1, 0xff) } },
                { fieldId: 5, optional: { value: bytes(1) } },
              ],
              action: { action: { actionId: 0x01000002, params: [{ paramId: 1, value: bytes(2) }] } },
              priority: 7,
              controllerMetadata: 0n,
              counterData: { packetCount: 2n ** 63n - 1n, byteCount: -1n },
              isDefaultAction: false,
              idleTimeoutNs: 5_000_000_000n,
              timeSinceLastHit: { elapsedNs: 0n },
              metadata: bytes(0, 0xff),
              isConst: false,
            },
          },
        },
        {
          type: 'MODIFY',
          entity: {
            packetReplicationEngineEntry: {
              multicastGroupEntry: {
                multicastGroupId: 3,
                replicas: [
                  { port: bytes(1), instance: 1 },
                  { egressPort: 2, instance: 2 },
                ],
                metadata: bytes(),
              },
            },
          },
        },
        { type: 'DELETE', entity: { counterEntry: { counterId: 0x12000001, index: { index: 0n } } } },
      ],
    });
  });

  it('tells a set empty election id from an unset one', () => {
    const { arbitration } = response.decode(fixture('arbitration'));
    expect(arbitration).toEqual({
      deviceId: 1n,
      electionId: { high: 0n, low: 0n },
      status: { code: 6, message: 'Another controller is the primary.', details: [] },
    });
    const unset = response.decode(response.encode({ arbitration: { deviceId: 1n } })).arbitration!;
    expect('electionId' in unset).toBe(false);
  });

  it('decodes a packet-out and a digest', () => {
    expect(request.decode(fixture('packet_out')).packet).toEqual({
      payload: Uint8Array.from({ length: 64 }, (_, i) => i),
      metadata: [{ metadataId: 1, value: bytes(1, 0xfe) }],
    });
    expect(response.decode(fixture('digest')).digest).toEqual({
      digestId: 0x17000001,
      listId: 9n,
      timestamp: 1_700_000_000_000_000_000n,
      data: [
        {
          struct: {
            members: [
              { bitstring: bytes(0x63) },
              { enum: 'RED' },
              { bool: true },
              { header: { isValid: true, bitstrings: [bytes(0x9d)] } },
            ],
          },
        },
      ],
    });
  });

  it('decodes a pipeline with maps, oneofs of scalars and 64-bit cookie', () => {
    const { action, config } = pipeline.decode(fixture('pipeline'));
    expect(action).toBe('RECONCILE_AND_COMMIT');
    expect(config!.cookie).toEqual({ cookie: 2n ** 64n - 2n });
    expect(config!.p4DeviceConfig).toEqual(bytes(0x7b, 0x7d));
    const { tables, typeInfo } = config!.p4info!;
    expect(tables[0]).toMatchObject({
      size: 2n ** 40n,
      isConstTable: true,
      matchFields: [{ matchType: 'OPTIONAL' }, { otherMatchType: 'custom' }],
      initialDefaultAction: { actionId: 0x01000001, arguments: [{ paramId: 1, value: bytes(5) }] },
      actionRefs: [{ scope: 'DEFAULT_ONLY' }],
    });
    expect('matchType' in tables[0]!.matchFields[1]!).toBe(false);
    expect(typeInfo!.newTypes['port_t']!.translatedType).toEqual({ uri: 'x', sdnString: {} });
    expect(typeInfo!.enums['color']!.members.map(({ name }) => name)).toEqual(['RED']);
  });

  it('decodes a status whose details hold per-update errors', () => {
    const { code, details } = status.decode(fixture('status'));
    expect(code).toBe(2);
    expect(details.map(({ value }) => updateError.decode(value))).toEqual([
      { canonicalCode: 8, message: 'full', space: 'x', code: 8 },
      { canonicalCode: 0, message: '', space: 'x', code: 0 },
      { canonicalCode: 3, message: 'bad', space: 'x', code: 3 },
    ]);
  });

  it.each([
    ['write', write],
    ['arbitration', response],
    ['packet_out', request],
    ['digest', response],
    ['pipeline', pipeline],
    ['status', status],
  ])('encodes %s to the same bytes again', (name, each) => {
    const original = fixture(name);
    const again = (each as typeof write).encode((each as typeof write).decode(original));
    expect(Buffer.from(again).toString('hex')).toBe(Buffer.from(original).toString('hex'));
  });

  it('skips fields of a newer peer and keeps enum values of one', () => {
    const decoded = write.decode(fixture('future'));
    expect(decoded.updates[0]!.entity).toEqual({ registerEntry: { registerId: 5 } });
    expect(decoded.atomicity).toBe(9);
    expect(write.decode(write.encode(decoded))).toEqual(decoded);
  });
});

describe('what no encoder of today writes', () => {
  const types = (within: protobuf.Namespace): protobuf.Type[] =>
    within.nestedArray.flatMap((each) => [
      ...(each instanceof protobuf.Type ? [each] : []),
      ...(each instanceof protobuf.Namespace ? types(each) : []),
    ]);
  const enums = types(protobufRoot().lookup('p4') as protobuf.Namespace)
    .flatMap((type) => type.fieldsArray)
    .filter((field) => field.resolvedType instanceof protobuf.Enum && !field.repeated)
    .map((field) => [field.fullName.slice(1), field] as const);

  it.each(enums)('keeps a value that %s lacks', (_name, field) => {
    const each = codec<Record<string, number>>(field.parent!.fullName.slice(1));
    const decoded = each.decode(bytes(field.id << 3, 99));
    expect(decoded[field.name]).toBe(99);
    expect(each.encode(decoded)).toEqual(bytes(field.id << 3, 99));
  });

  it.each([
    ['field 0', [0, 0]],
    ['the end of a group that did not begin', [12]],
    ['the same in a message within', [0x12, 1, 12]],
  ])('refuses %s', (_what, encoded) => {
    expect(() => tableEntry.decode(bytes(...encoded))).toThrow(MessageDecodeError);
  });
});

describe('plain objects', () => {
  it('round-trips entries of any numbers and bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ maxLength: 40 }),
        (tableId, priority, idleTimeoutNs, controllerMetadata, metadata) => {
          const entry = { tableId, priority, idleTimeoutNs, controllerMetadata, metadata };
          expect(tableEntry.decode(tableEntry.encode(entry))).toEqual({
            ...entry,
            match: [],
            isDefaultAction: false,
            isConst: false,
          });
        },
      ),
    );
  });

  it('gives bytes memory of their own', () => {
    const encoded = tableEntry.encode({ metadata: bytes(1, 2, 3) });
    const { metadata } = tableEntry.decode(encoded);
    encoded.fill(0);
    expect(metadata).toEqual(bytes(1, 2, 3));
  });

  it.each([
    ['an unknown field', { tabelId: 1 }, 'TableEntry has no field tabelId; valid fields: tableId, match'],
    ['a number for 64 bits', { idleTimeoutNs: 5 }, 'TableEntry.idleTimeoutNs must be a bigint.'],
    ['too large a number', { tableId: 2 ** 32 }, 'it must be an integer from 0 to 4294967295'],
    ['too large a bigint', { controllerMetadata: 2n ** 64n }, 'does not fit a uint64'],
    ['a fraction', { priority: 1.5 }, 'TableEntry.priority is 1.5'],
    ['an object for bytes', { metadata: 'abc' }, 'TableEntry.metadata must be a Uint8Array.'],
    ['no array', { match: {} }, 'TableEntry.match must be an array.'],
    ['two of a oneof', { match: [{ exact: {}, lpm: {} }] }, 'match[0] sets both exact and lpm'],
  ])('refuses %s and says where', (_what, message, text) => {
    expect(() => tableEntry.encode(message as never)).toThrow(MessageShapeError);
    expect(() => tableEntry.encode(message as never)).toThrow(text);
  });

  it('lists the values of an enum', () => {
    expect(() => write.encode({ atomicity: 'MAYBE' as never })).toThrow(
      'valid values: CONTINUE_ON_ERROR, ROLLBACK_ON_ERROR, DATAPLANE_ATOMIC',
    );
  });

  it('refuses bytes that are cut short', () => {
    const whole = fixture('write');
    expect(() => write.decode(whole.subarray(0, whole.length - 1))).toThrow(MessageDecodeError);
  });
});
