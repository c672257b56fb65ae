/** The switch of a query: P4Runtime client, and what it must know of the query. */
export * from './errors.js';
export type { HostPlace, ProgrammableSwitch, QuerySetup, ServiceEndpoint, StreamSetup } from './provisioning.js';
export { QuerySwitch, type QuerySwitchOptions } from './switch.js';
