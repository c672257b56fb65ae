/** The messages of `p4.config.v1` as plain objects. How protobuf values appear is said in codec.ts. */
import type { Any } from './messages.js';

export interface P4Info {
  pkgInfo?: PkgInfo;
  tables: Table[];
  actions: ActionInfo[];
  actionProfiles: ActionProfile[];
  counters: Counter[];
  directCounters: DirectCounter[];
  meters: Meter[];
  directMeters: DirectMeter[];
  controllerPacketMetadata: ControllerPacketMetadata[];
  valueSets: ValueSet[];
  registers: Register[];
  digests: Digest[];
  externs: Extern[];
  typeInfo?: P4TypeInfo;
}

export interface Documentation {
  brief: string;
  description: string;
}

export interface SourceLocation {
  file: string;
  line: number;
  column: number;
}

export interface Expression {
  stringValue?: string;
  int64Value?: bigint;
  boolValue?: boolean;
}

export interface StructuredAnnotation {
  name: string;
  expressionList?: { expressions: Expression[] };
  kvPairList?: { kvPairs: { key: string; value?: Expression }[] };
  sourceLocation?: SourceLocation;
}

export interface Annotated {
  annotations: string[];
  annotationLocations: SourceLocation[];
  structuredAnnotations: StructuredAnnotation[];
}

export interface PkgInfo extends Annotated {
  name: string;
  version: string;
  doc?: Documentation;
  arch: string;
  organization: string;
  contact: string;
  url: string;
  platformProperties?: {
    multicastGroupTableSize: number;
    multicastGroupTableTotalReplicas: number;
    multicastGroupTableMaxReplicasPerEntry: number;
  };
}

export interface Preamble extends Annotated {
  id: number;
  name: string;
  alias: string;
  doc?: Documentation;
}

export type MatchType = 'UNSPECIFIED' | 'EXACT' | 'LPM' | 'TERNARY' | 'RANGE' | 'OPTIONAL';

export interface MatchField extends Annotated {
  id: number;
  name: string;
  bitwidth: number;
  matchType?: MatchType;
  otherMatchType?: string;
  doc?: Documentation;
  typeName?: P4NamedType;
}

export interface Table {
  preamble?: Preamble;
  matchFields: MatchField[];
  actionRefs: ActionRef[];
  constDefaultActionId: number;
  initialDefaultAction?: { actionId: number; arguments: { paramId: number; value: Uint8Array }[] };
  implementationId: number;
  directResourceIds: number[];
  size: bigint;
  idleTimeoutBehavior: 'NO_TIMEOUT' | 'NOTIFY_CONTROL';
  isConstTable: boolean;
  hasInitialEntries: boolean;
  otherProperties?: Any;
}

export type ActionScope = 'TABLE_AND_DEFAULT' | 'TABLE_ONLY' | 'DEFAULT_ONLY';

export interface ActionRef extends Annotated {
  id: number;
  scope: ActionScope;
}

/** p4.config.v1.Action; the name tells it from p4.v1.Action. */
export interface ActionInfo {
  preamble?: Preamble;
  params: ActionParam[];
}

export interface ActionParam extends Annotated {
  id: number;
  name: string;
  bitwidth: number;
  doc?: Documentation;
  typeName?: P4NamedType;
}

export interface ActionProfile {
  preamble?: Preamble;
  tableIds: number[];
  withSelector: boolean;
  size: bigint;
  maxGroupSize: number;
  sumOfWeights?: Record<never, never>;
  sumOfMembers?: { maxMemberWeight: number };
}

export type CounterUnit = 'UNSPECIFIED' | 'BYTES' | 'PACKETS' | 'BOTH';

export interface Counter {
  preamble?: Preamble;
  spec?: { unit: CounterUnit };
  size: bigint;
  indexTypeName?: P4NamedType;
}

export interface DirectCounter {
  preamble?: Preamble;
  spec?: { unit: CounterUnit };
  directTableId: number;
}

export interface MeterSpec {
  unit: 'UNSPECIFIED' | 'BYTES' | 'PACKETS';
  type: 'TWO_RATE_THREE_COLOR' | 'SINGLE_RATE_THREE_COLOR' | 'SINGLE_RATE_TWO_COLOR';
}

export interface Meter {
  preamble?: Preamble;
  spec?: MeterSpec;
  size: bigint;
  indexTypeName?: P4NamedType;
}

export interface DirectMeter {
  preamble?: Preamble;
  spec?: MeterSpec;
  directTableId: number;
}

export interface ControllerPacketMetadata {
  preamble?: Preamble;
  metadata: PacketMetadataField[];
}

export interface PacketMetadataField extends Annotated {
  id: number;
  name: string;
  bitwidth: number;
  typeName?: P4NamedType;
}

export interface ValueSet {
  preamble?: Preamble;
  match: MatchField[];
  size: number;
}

export interface Register {
  preamble?: Preamble;
  typeSpec?: P4DataTypeSpec;
  size: number;
  indexTypeName?: P4NamedType;
}

export interface Digest {
  preamble?: Preamble;
  typeSpec?: P4DataTypeSpec;
}

export interface Extern {
  externTypeId: number;
  externTypeName: string;
  instances: { preamble?: Preamble; info?: Any }[];
}

// Types

export interface P4NamedType {
  name: string;
}

export interface P4TypeInfo {
  structs: Record<string, P4StructTypeSpec>;
  headers: Record<string, P4HeaderTypeSpec>;
  headerUnions: Record<string, Annotated & { members: { name: string; header?: P4NamedType }[] }>;
  enums: Record<string, Annotated & { members: (Annotated & { name: string })[] }>;
  error?: { members: string[] };
  serializableEnums: Record<string, P4SerializableEnumTypeSpec>;
  newTypes: Record<string, P4NewTypeSpec>;
}

export interface P4DataTypeSpec {
  bitstring?: P4BitstringLikeTypeSpec;
  bool?: Record<never, never>;
  tuple?: { members: P4DataTypeSpec[] };
  struct?: P4NamedType;
  header?: P4NamedType;
  headerUnion?: P4NamedType;
  headerStack?: { header?: P4NamedType; size: number };
  headerUnionStack?: { headerUnion?: P4NamedType; size: number };
  enum?: P4NamedType;
  error?: Record<never, never>;
  serializableEnum?: P4NamedType;
  newType?: P4NamedType;
}

export interface P4BitstringLikeTypeSpec extends Annotated {
  bit?: { bitwidth: number };
  int?: { bitwidth: number };
  varbit?: { maxBitwidth: number };
}

export interface P4StructTypeSpec extends Annotated {
  members: { name: string; typeSpec?: P4DataTypeSpec }[];
}

export interface P4HeaderTypeSpec extends Annotated {
  members: { name: string; typeSpec?: P4BitstringLikeTypeSpec }[];
}

export interface P4SerializableEnumTypeSpec extends Annotated {
  underlyingType?: { bitwidth: number };
  members: (Annotated & { name: string; value: Uint8Array })[];
}

export interface P4NewTypeSpec extends Annotated {
  originalType?: P4DataTypeSpec;
  translatedType?: { uri: string; sdnBitwidth?: number; sdnString?: Record<never, never> };
}
