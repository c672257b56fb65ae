export * from './artifacts.js';
export * from './errors.js';
export type * from './messages.js';
export * from './p4runtime/index.js';
export * from './controller/controller.js';
export type { ControllerOptions, ControllerTiming } from './controller/controller-options.js';
export type { Log } from './controller/log.js';
export { ABSENT } from './controller/build-fit.js';
export { DEFAULT_SLOTS } from './controller/jobs.js';
export type { SessionTiming } from './controller/job-records.js';
export type {
  ControllerState,
  JobRecord,
  MemberRecord,
  ProfileRecord,
  Route,
  SwitchConfig,
} from './controller/state.js';
export { readTofinoBuild, type TofinoBuild } from './tofino/build.js';
export { CHIPS, type Chip } from './tofino/ports.js';
export { FileStore, MemoryStore, type Store } from './controller/store.js';
export * from './service/client.js';
export { ControllerService } from './service/definition.js';
export * from './service/server.js';
