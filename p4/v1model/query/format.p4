/*
 * fp64 and fp32 as stored in the lanes' registers (docs/arithmetic.md, "Sums of many rows"). Both formats
 * share 64-bit mantissas and one exponent for specials; they differ in guard, limit and read-out.
 */
#ifndef FPISA_QUERY_FORMAT
#define FPISA_QUERY_FORMAT

/* Above every finite exponent of either format, so that specials win over numbers; a finite one may grow
 * beyond the format's largest, by 1 with each doubling of the sum. */
const bit<16> SPECIAL_EXPONENT = 16384;
/* Specials are ORed: their number is not bounded, unlike that of an allreduce's workers. */
const bit<64> SEEN_NAN = 1;
const bit<64> SEEN_PLUS_INF = 2;
const bit<64> SEEN_MINUS_INF = 4;

const bit<64> SIGN_BIT = 0x8000000000000000;

const bit<64> F64_FRACTION_MASK = 0x000FFFFFFFFFFFFF;
const bit<64> F64_IMPLIED_ONE = 0x0010000000000000;
const bit<64> F64_INFINITY = 0x7FF0000000000000;
const bit<64> F64_QUIET_NAN = 0x7FF8000000000000;
const bit<8> F64_FRACTION_BITS = 52;
/* A number has at most 60 bits, a stored mantissa 61, and their sum 62, which is what a 63-bit signed field holds. */
const bit<8> F64_GUARD = 7;
const int<63> F64_LIMIT = 0x2000000000000000;

const bit<64> F32_SIGN_BIT = 0x80000000;
const bit<64> F32_FRACTION_MASK = 0x007FFFFF;
const bit<64> F32_IMPLIED_ONE = 0x00800000;
const bit<64> F32_INFINITY = 0x7F800000;
const bit<64> F32_QUIET_NAN = 0x7FC00000;
const bit<8> F32_FRACTION_BITS = 23;
/* The same in a 32-bit register: 29 bits, 30, and 31. */
const bit<8> F32_GUARD = 5;
const int<63> F32_LIMIT = 0x40000000;

/* A normalised magnitude has its leading one here, so that half an ulp can be added without a carry out. */
const bit<16> LEADING_BIT = 62;
/* `scale` is an exponent plus this, so that it stays unsigned down to the smallest subnormal. */
const bit<16> SCALE_BIAS = 64;
const bit<8> F64_NORMAL_SHIFT = 10;
const bit<8> F32_NORMAL_SHIFT = 39;
/* For a mantissa whose leading one is at LEADING_BIT: its biased exponent, minus the stored one, plus SCALE_BIAS. */
const bit<16> F64_SCALE_BASE = LEADING_BIT - 52 - 7 + SCALE_BIAS;
const bit<16> F32_SCALE_BASE = LEADING_BIT - 23 - 5 + SCALE_BIAS;

#endif
