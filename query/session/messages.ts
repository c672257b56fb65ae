/** The messages of protocol/proto/fpisa-query.proto, generated; narrower where the .proto file can only say "a string". */
import type * as wire from '../../protocol/generated/fpisa-query.js';
import type { TableFormat } from './tables.js';

export type {
  Begin as BeginMessage,
  Failure as FailureMessage,
  Hello as HelloMessage,
  KeyColumn as KeyColumnMessage,
  Ready as ReadyMessage,
  Step as StepMessage,
  StepDone as StepDoneMessage,
  WorkerMessage,
} from '../../protocol/generated/fpisa-query.js';

export interface SetupMessage extends wire.Setup {
  readonly tables: readonly (wire.Table & { readonly format: TableFormat })[];
}

/** Exactly one field is set. */
export interface MasterMessage extends wire.MasterMessage {
  readonly setup?: SetupMessage | undefined;
}
