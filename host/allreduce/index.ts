import { MAX_WORKERS } from '../../protocol/constants.js';

export { Member } from './member.js';
export type { MemberConfig, MemberOutput } from './member-config.js';
export { MemoryInUse } from './memory-in-use.js';
export { MemoryPool } from './memory-pool.js';
export { type AllreduceStats, Operation, type OperationProgress } from './operation.js';
export { describeMissing, type MissingRank } from './partial.js';
export { checkQuantizes, QuantizedBatch } from './quantized.js';
export { DEFAULT_RTO, type RtoBounds } from '../transport/rto.js';
export { DEFAULT_PATIENCE } from './stall.js';
export { type ReduceOp, TensorBatch } from './tensors.js';
export type { Format, ShapedTensor, Tensor, Tensors } from './tensor-list.js';
export type { Waiting } from './waiting.js';

/** A rank is a bit of the switch's worker bitmap. */
export const MAX_RANK = MAX_WORKERS - 1;
