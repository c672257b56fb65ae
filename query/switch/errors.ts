import { FpisaError } from '../../protocol/errors.js';

/** Another controller is primary at the switch, or has become primary. */
export class SwitchTakenError extends FpisaError {
  readonly code = 'FPISA_SWITCH_TAKEN';
}

/** No P4Runtime server answers at the address of the query's switch. */
export class QuerySwitchUnreachableError extends FpisaError {
  readonly code = 'FPISA_QUERY_SWITCH_UNREACHABLE';
}
