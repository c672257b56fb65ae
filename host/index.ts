/** Workers: in-network allreduce for programs (docs/workers.md). */
export { Worker } from './worker.js';
export type { WorkerEvents } from './worker-events.js';
export type { AllreduceOptions, AnnouncedOperation, JoinOptions } from './options.js';
export type {
  AllreduceStats,
  Format,
  MissingRank,
  OperationProgress,
  ReduceOp,
  RtoBounds,
  ShapedTensor,
  Tensor,
  Tensors,
  Waiting,
} from './allreduce/index.js';
export * from './errors.js';
export type { JobInfo, JobProfile } from './session/messages.js';
export type { LocalAddress, ServiceAddress, Transport } from './transport/transport.js';
export { openUdp } from './transport/udp.js';
export { DgramTransport, type DgramOptions, localIpTowards } from './transport/dgram.js';
export { type FramePort, InProcessTransport } from './transport/in-process.js';
export * from './files/index.js';
