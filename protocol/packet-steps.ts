/**
 * How many values a packet holds. Large builds take several lengths, in steps, so that a short chunk travels short;
 * small ones only their own. `p4/shared/values.p4` has the same steps.
 */
const PACKET_STEPS: readonly number[] = [64, 256, 1024, 2048];

/** Builds up to this size take one length only. */
const LARGEST_PLAIN_BUILD = 256;

/** Values that the packets of a general build may hold, in ascending order; the last is `valuesPerPacket`. */
export function packetSteps(valuesPerPacket: number): readonly number[] {
  return valuesPerPacket <= LARGEST_PLAIN_BUILD
    ? [valuesPerPacket]
    : PACKET_STEPS.filter((values) => values <= valuesPerPacket);
}

/** Index of the shortest step that holds `count` values; switches drop contributions of another length. */
export function stepFor(count: number, steps: readonly number[]): number {
  let step = 0;
  while (step < steps.length - 1 && steps[step]! < count) step++;
  return step;
}
