/**
 * The messages of `p4.v1` and `google.rpc` as plain objects; p4info-messages.ts has those of `p4.config.v1`.
 * How protobuf values appear is said in codec.ts. The members of a oneof are optional fields of which one is set.
 */
import type { P4Info } from './p4info-messages.js';

/** What an encoder accepts for a message: every field may be left out. */
export type Init<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly Init<U>[]
    : { readonly [K in keyof T]?: Init<T[K]> | undefined };

export interface Any {
  typeUrl: string;
  value: Uint8Array;
}

/** google.rpc.Status */
export interface RpcStatus {
  code: number;
  message: string;
  details: Any[];
}

export interface Uint128 {
  high: bigint;
  low: bigint;
}

// Values of P4 types

export interface P4Data {
  bitstring?: Uint8Array;
  varbit?: { bitstring: Uint8Array; bitwidth: number };
  bool?: boolean;
  tuple?: P4StructLike;
  struct?: P4StructLike;
  header?: P4Header;
  headerUnion?: P4HeaderUnion;
  headerStack?: { entries: P4Header[] };
  headerUnionStack?: { entries: P4HeaderUnion[] };
  enum?: string;
  error?: string;
  enumValue?: Uint8Array;
}
export interface P4StructLike {
  members: P4Data[];
}
export interface P4Header {
  isValid: boolean;
  bitstrings: Uint8Array[];
}
export interface P4HeaderUnion {
  validHeaderName: string;
  validHeader?: P4Header;
}

// Entities

export interface Entity {
  externEntry?: ExternEntry;
  tableEntry?: TableEntry;
  actionProfileMember?: ActionProfileMember;
  actionProfileGroup?: ActionProfileGroup;
  meterEntry?: MeterEntry;
  directMeterEntry?: DirectMeterEntry;
  counterEntry?: CounterEntry;
  directCounterEntry?: DirectCounterEntry;
  packetReplicationEngineEntry?: PacketReplicationEngineEntry;
  valueSetEntry?: ValueSetEntry;
  registerEntry?: RegisterEntry;
  digestEntry?: DigestEntry;
}

export interface ExternEntry {
  externTypeId: number;
  externId: number;
  entry?: Any;
}

export interface TableEntry {
  tableId: number;
  match: FieldMatch[];
  action?: TableAction;
  /** Larger wins; 0 unless the table has a ternary, range or optional key. */
  priority: number;
  controllerMetadata: bigint;
  meterConfig?: MeterConfig;
  counterData?: CounterData;
  meterCounterData?: MeterCounterData;
  isDefaultAction: boolean;
  idleTimeoutNs: bigint;
  timeSinceLastHit?: { elapsedNs: bigint };
  metadata: Uint8Array;
  isConst: boolean;
}

export interface FieldMatch {
  fieldId: number;
  exact?: { value: Uint8Array };
  ternary?: { value: Uint8Array; mask: Uint8Array };
  lpm?: { value: Uint8Array; prefixLen: number };
  range?: { low: Uint8Array; high: Uint8Array };
  optional?: { value: Uint8Array };
  other?: Any;
}

export interface TableAction {
  action?: Action;
  actionProfileMemberId?: number;
  actionProfileGroupId?: number;
  actionProfileActionSet?: { actionProfileActions: ActionProfileAction[] };
}

export interface Action {
  actionId: number;
  params: { paramId: number; value: Uint8Array }[];
}

export interface ActionProfileAction {
  action?: Action;
  weight: number;
  watch?: number;
  watchPort?: Uint8Array;
}

export interface ActionProfileMember {
  actionProfileId: number;
  memberId: number;
  action?: Action;
}

export interface ActionProfileGroup {
  actionProfileId: number;
  groupId: number;
  members: { memberId: number; weight: number; watch?: number; watchPort?: Uint8Array }[];
  maxSize: number;
}

export interface Index {
  index: bigint;
}

export interface MeterEntry {
  meterId: number;
  index?: Index;
  config?: MeterConfig;
  counterData?: MeterCounterData;
}

export interface DirectMeterEntry {
  tableEntry?: TableEntry;
  config?: MeterConfig;
  counterData?: MeterCounterData;
}

/** Rates in units (bytes or packets, by the meter) per second, bursts in units. */
export interface MeterConfig {
  cir: bigint;
  cburst: bigint;
  pir: bigint;
  pburst: bigint;
  eburst: bigint;
}

export interface CounterEntry {
  counterId: number;
  index?: Index;
  data?: CounterData;
}

export interface DirectCounterEntry {
  tableEntry?: TableEntry;
  data?: CounterData;
}

export interface CounterData {
  byteCount: bigint;
  packetCount: bigint;
}

export interface MeterCounterData {
  green?: CounterData;
  yellow?: CounterData;
  red?: CounterData;
}

export interface PacketReplicationEngineEntry {
  multicastGroupEntry?: MulticastGroupEntry;
  cloneSessionEntry?: CloneSessionEntry;
}

export interface Replica {
  /** The deprecated number; `port` is the present form. */
  egressPort?: number;
  port?: Uint8Array;
  instance: number;
}

export interface MulticastGroupEntry {
  multicastGroupId: number;
  replicas: Replica[];
  metadata: Uint8Array;
}

export interface CloneSessionEntry {
  sessionId: number;
  replicas: Replica[];
  classOfService: number;
  /** 0: not truncated. */
  packetLengthBytes: number;
}

export interface ValueSetEntry {
  valueSetId: number;
  members: { match: FieldMatch[] }[];
}

export interface RegisterEntry {
  registerId: number;
  index?: Index;
  data?: P4Data;
}

export interface DigestEntry {
  digestId: number;
  config?: { maxTimeoutNs: bigint; maxListSize: number; ackTimeoutNs: bigint };
}

// Write and Read

export type Atomicity = 'CONTINUE_ON_ERROR' | 'ROLLBACK_ON_ERROR' | 'DATAPLANE_ATOMIC';
export type UpdateType = 'UNSPECIFIED' | 'INSERT' | 'MODIFY' | 'DELETE';

export interface Update {
  type: UpdateType;
  entity?: Entity;
}

export interface WriteRequest {
  deviceId: bigint;
  roleId: bigint;
  role: string;
  electionId?: Uint128;
  updates: Update[];
  atomicity: Atomicity;
}

export type WriteResponse = Record<never, never>;

export interface ReadRequest {
  deviceId: bigint;
  role: string;
  entities: Entity[];
}

export interface ReadResponse {
  entities: Entity[];
}

/** p4.v1.Error: what happened to one update of a batch. */
export interface UpdateError {
  canonicalCode: number;
  message: string;
  space: string;
  code: number;
  details?: Any;
}

// The stream

export interface StreamMessageRequest {
  arbitration?: MasterArbitrationUpdate;
  packet?: PacketOut;
  digestAck?: DigestListAck;
  other?: Any;
}

export interface StreamMessageResponse {
  arbitration?: MasterArbitrationUpdate;
  packet?: PacketIn;
  digest?: DigestList;
  idleTimeoutNotification?: IdleTimeoutNotification;
  other?: Any;
  error?: StreamError;
}

export interface PacketMetadata {
  metadataId: number;
  value: Uint8Array;
}

export interface PacketOut {
  payload: Uint8Array;
  metadata: PacketMetadata[];
}

export interface PacketIn {
  payload: Uint8Array;
  metadata: PacketMetadata[];
}

export interface DigestListAck {
  digestId: number;
  listId: bigint;
}

export interface DigestList {
  digestId: number;
  listId: bigint;
  data: P4Data[];
  /** Nanoseconds since the epoch. */
  timestamp: bigint;
}

export interface MasterArbitrationUpdate {
  deviceId: bigint;
  role?: Role;
  electionId?: Uint128;
  status?: RpcStatus;
}

export interface Role {
  id: bigint;
  name: string;
  config?: Any;
}

export interface IdleTimeoutNotification {
  tableEntry: TableEntry[];
  /** Nanoseconds since the epoch. */
  timestamp: bigint;
}

export interface StreamError {
  canonicalCode: number;
  message: string;
  space: string;
  code: number;
  packetOut?: { packetOut?: PacketOut };
  digestListAck?: { digestListAck?: DigestListAck };
  other?: { other?: Any };
}

// The pipeline

export type PipelineAction =
  'UNSPECIFIED' | 'VERIFY' | 'VERIFY_AND_SAVE' | 'VERIFY_AND_COMMIT' | 'COMMIT' | 'RECONCILE_AND_COMMIT';

export interface ForwardingPipelineConfig {
  p4info?: P4Info;
  p4DeviceConfig: Uint8Array;
  cookie?: { cookie: bigint };
}

export interface SetForwardingPipelineConfigRequest {
  deviceId: bigint;
  roleId: bigint;
  role: string;
  electionId?: Uint128;
  action: PipelineAction;
  config?: ForwardingPipelineConfig;
}

export type SetForwardingPipelineConfigResponse = Record<never, never>;

export type PipelineResponseType = 'ALL' | 'COOKIE_ONLY' | 'P4INFO_AND_COOKIE' | 'DEVICE_CONFIG_AND_COOKIE';

export interface GetForwardingPipelineConfigRequest {
  deviceId: bigint;
  responseType: PipelineResponseType;
}

export interface GetForwardingPipelineConfigResponse {
  config?: ForwardingPipelineConfig;
}

export type CapabilitiesRequest = Record<never, never>;

export interface CapabilitiesResponse {
  p4runtimeApiVersion: string;
}
