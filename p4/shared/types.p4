#ifndef FPISA_TYPES
#define FPISA_TYPES

#include "network_types.p4"

typedef bit<16> job_t;
typedef bit<16> worker_t;
typedef bit<16> slot_t;
typedef bit<32> worker_bitmap_t;
/* Index of a set in the pool: 2 * slot + set. */
typedef bit<32> set_index_t;
/* Index of one value of a set in the element registers: set_index * VALUES_PER_PACKET + i. */
typedef bit<32> element_index_t;

/* The two registers of an element (docs/arithmetic.md). */
typedef bit<16> exponent_t;
typedef int<32> mantissa_t;
/* A mantissa in a register: simple_switch reads a register's bits as a non-negative number, also
 * into a signed field, so the sign is restored by a cast after each read. */
typedef bit<32> mantissa_bits_t;

#endif
