/**
 * Limits of the switch. simple_switch stops or hangs beyond most of them; a program that would run forever must end
 * at the same point in every engine, so each limit is defined once.
 */

/** A packet may grow by this many bytes of headers: simple_switch reserves as much. */
export const HEADROOM_BYTES = 512;

/** Copies of one packet in one pass; a program that clones its own clones would never end. */
export const MAX_COPIES = 65_536;

/** How often one packet may go through ingress (resubmit, recirculate, clones of clones), unless configured. */
export const DEFAULT_MAX_PASSES = 64;

/** A parser that goes through more states than this without an end is stuck: simple_switch would hang. */
export const MAX_PARSER_STATES = 100_000;

/** An action may jump backwards this often: simple_switch would hang in an endless loop. */
export const MAX_BACKWARD_JUMPS = 1_000_000;

/** Shifts to the left by more bits give zero: BMv2's numbers have no width, and would fill the memory. */
export const MAX_SHIFT = 65_536n;

/** Queues of each egress port, unless configured. */
export const DEFAULT_QUEUES_PER_PORT = 1;

/** Width of v1model's `egress_spec`. */
export const PORT_BITS = 9;

/** Packets to this port are dropped, unless another one is configured. */
export const DEFAULT_DROP_PORT = 511;

/** Port of the control plane, unless another one is configured. */
export const DEFAULT_CPU_PORT = 510;

/** The last port that packets can leave through. */
export const MAX_PORT = DEFAULT_DROP_PORT - 1;

/** v1model's `mcast_grp` has 16 bits; 0 is no group. */
export const MAX_MULTICAST_GROUP = 0xffff;

/** v1model's `egress_rid` has 16 bits. */
export const MAX_INSTANCE = 0xffff;

/** simple_switch keeps bit 15 of the number of a clone session to itself. */
export const MAX_CLONE_SESSION = 0x7fff;
