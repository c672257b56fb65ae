/* Differences between the chips, and the layout of the program on them. */
#ifndef FPISA_TARGET
#define FPISA_TARGET

#if __TARGET_TOFINO__ == 2
#include <t2na.p4>
#else
#include <tna.p4>
#endif

/* Ports are numbered pipe << 7 | local. The CPU's and the recirculation port of each pipe, by their local number. */
#if __TARGET_TOFINO__ == 2
const bit<7> CPU_LOCAL_PORT = 0;
const bit<7> RECIRCULATION_LOCAL_PORT = 6;
#else
const bit<7> CPU_LOCAL_PORT = 64;
const bit<7> RECIRCULATION_LOCAL_PORT = 68;
#endif

/* Sets in a register array, as wide as an index: slot << 1 | set. */
typedef bit<16> set_number_t;
const bit<32> SETS = POOL_SLOTS * SETS_PER_SLOT;

#endif
