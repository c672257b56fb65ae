/**
 * The messages of `p4.v1` and `google.rpc` as plain objects, generated from the .proto files (`npm run generate`);
 * p4info-messages.ts has those of `p4.config.v1`. Names differ from the generated ones where those would clash
 * with JavaScript's or with each other. codec.ts documents how protobuf values are represented.
 */

/** What an encoder accepts for a message: every field may be left out. */
export type Init<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly Init<U>[]
    : { readonly [K in keyof T]?: Init<T[K]> | undefined };

export type { Any } from './generated/google/protobuf/any.js';
export type { Status as RpcStatus } from './generated/google/rpc/status.js';
export type { P4Data, P4Header, P4HeaderUnion, P4StructLike } from './generated/p4/v1/p4data.js';
export type {
  Action,
  ActionProfileAction,
  ActionProfileGroup,
  ActionProfileMember,
  CapabilitiesRequest,
  CapabilitiesResponse,
  CloneSessionEntry,
  CounterData,
  CounterEntry,
  DigestEntry,
  DigestList,
  DigestListAck,
  DirectCounterEntry,
  DirectMeterEntry,
  Entity,
  // The outcome of one update of a batch.
  Error as UpdateError,
  ExternEntry,
  FieldMatch,
  ForwardingPipelineConfig,
  GetForwardingPipelineConfigRequest,
  GetForwardingPipelineConfigRequest_ResponseType as PipelineResponseType,
  GetForwardingPipelineConfigResponse,
  IdleTimeoutNotification,
  Index,
  MasterArbitrationUpdate,
  MeterConfig,
  MeterCounterData,
  MeterEntry,
  MulticastGroupEntry,
  PacketIn,
  PacketMetadata,
  PacketOut,
  PacketReplicationEngineEntry,
  ReadRequest,
  ReadResponse,
  RegisterEntry,
  Replica,
  Role,
  SetForwardingPipelineConfigRequest,
  SetForwardingPipelineConfigRequest_Action as PipelineAction,
  SetForwardingPipelineConfigResponse,
  StreamError,
  StreamMessageRequest,
  StreamMessageResponse,
  TableAction,
  TableEntry,
  Uint128,
  Update,
  Update_Type as UpdateType,
  ValueSetEntry,
  WriteRequest,
  WriteRequest_Atomicity as Atomicity,
  WriteResponse,
} from './generated/p4/v1/p4runtime.js';
