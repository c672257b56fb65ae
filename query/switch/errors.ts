import { FpisaError } from '../../protocol/errors.js';

/** Another controller is primary at the switch, or became it. */
export class SwitchTakenError extends FpisaError {
  readonly code = 'FPISA_SWITCH_TAKEN';
}

/** No P4Runtime server answers. */
export class QuerySwitchUnreachableError extends FpisaError {
  readonly code = 'FPISA_SWITCH_UNREACHABLE';
}

/** The switch was restarted, or somebody else programmed it, while a query needed it. */
export class QuerySwitchLostError extends FpisaError {
  readonly code = 'FPISA_QUERY_STATE_LOST';
}
