/** Port numbers of v1model's switch; nothing is translated. */

/** Width of `egress_spec`. */
export const PORT_BITS = 9;

/** What goes there is dropped. */
const DROP_PORT = 511;

export const largestPort = DROP_PORT - 1;
