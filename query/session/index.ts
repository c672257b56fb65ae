export * from './errors.js';
export * from './tables.js';
export * from './worker-registry.js';
export * from './session.js';
export * from './statistics.js';
export { runQueryWorker, type WorkerOptions as QueryWorkerOptions } from './worker.js';
export { allocate, type Allocation } from './allocation.js';
export * from './verify.js';
