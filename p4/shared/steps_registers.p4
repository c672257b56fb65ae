/*
 * How the registers of an element process a packet, within the limits of a stateful ALU: each is read and written once, and the
 * value written is one of two sums chosen by one comparison. The architectures differ in how a register is accessed, so these
 * are the bodies of a TNA RegisterAction, and of a read-modify-write elsewhere.
 */
#ifndef FPISA_STEPS_REGISTERS
#define FPISA_STEPS_REGISTERS

#include "steps_unpack.p4"

/*
 * Exponent. `stored` is the register, exponent + RESTRICTED_BIAS; `distance` is how far the packet's mantissa has to be shifted to the
 * right, after RESTRICTED_BIAS bits to the left. Negative: its exponent exceeds the register's by too much, and the packet
 * replaces what is stored (FPISA-A). Running it again for the same packet changes nothing.
 * All are int<16>.
 */
#define JOIN_EXPONENT(stored, distance, exponent) \
    distance = stored - exponent; \
    if (stored < exponent) { \
        stored = exponent + (int<16>) RESTRICTED_BIAS; \
    }

/* The first of a round replaces whatever is stored: any negative distance means that. */
#define OPEN_EXPONENT(stored, distance, exponent) \
    distance = ~exponent; \
    stored = exponent + (int<16>) RESTRICTED_BIAS;

/* Mantissa, both int<32>: saturating, as everywhere (docs/arithmetic.md). */
#define JOIN_MANTISSA(stored, mantissa) stored = stored |+| mantissa;
#define OPEN_MANTISSA(stored, mantissa) stored = mantissa;

#endif
