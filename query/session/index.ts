/** A query as it runs: its master with the registry of workers, and a worker. */
export * from './errors.js';
export type { AllocationLimits } from './allocation.js';
export { QuerySession, type QueryOutcome, type QuerySessionOptions } from './session.js';
export type { QueryStatistics } from './statistics.js';
export { findTables, type DataFile, type DataTable, type TableFormat } from './tables.js';
export { TOLERANCE, verifyAnswer, type Verification } from './verify.js';
export { WorkerRegistry } from './worker-registry.js';
export { runQueryWorker, type WorkerOptions as QueryWorkerOptions } from './worker.js';
