/** What a worker says at its Hello about the operations to come. */
import { formatOf, listTensors } from '../allreduce/tensor-list.js';
import { checkOp } from '../allreduce/tensors.js';
import { descriptionBytes, MAX_DESCRIPTION_BYTES, quantizedOp, submission } from '../../protocol/submission.js';
import type { AnnouncedOperation } from '../options.js';
import type { Announcement } from './messages.js';

/**
 * As many of the operations as one message may hold; the others are compared only when they are submitted.
 * @throws ArgumentError as the operation would
 */
export function announcementsOf(operations: readonly AnnouncedOperation[]): Announcement[] {
  let left = MAX_DESCRIPTION_BYTES;
  const announcements: Announcement[] = [];
  for (const { tensors, op = 'sum', quantize = false, source = '' } of operations) {
    const format = quantize ? 'fp32' : formatOf(tensors);
    checkOp(op, format);
    const list = listTensors(tensors, format, quantize ? 'quantize' : undefined).map(({ name, shape }) => ({
      name,
      shape,
    }));
    const announcement = {
      submission: quantize ? submission(quantizedOp(op), 'int32', list) : submission(op, format, list),
      source,
    };
    left -= announcement.submission.tensors.reduce((sum, tensor) => sum + descriptionBytes(tensor), 0);
    if (left < 0) break;
    announcements.push(announcement);
  }
  return announcements;
}
