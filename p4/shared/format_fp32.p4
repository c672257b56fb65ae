/* fp32 as the element registers hold it (docs/arithmetic.md). */
#ifndef FPISA_FORMAT_FP32
#define FPISA_FORMAT_FP32

#include "types.p4"

/* Exponent field 2^8: above every finite one, so that specials win over numbers. */
const exponent_t SPECIAL_EXPONENT = 256;
const mantissa_t UNIT_NAN = 1;
const mantissa_t UNIT_PLUS_INF = 1 << 10;
const mantissa_t UNIT_MINUS_INF = 1 << 20;

const bit<32> SIGN_BIT = 0x80000000;
const bit<32> FRACTION_MASK = 0x007FFFFF;
const bit<32> IMPLIED_ONE = 0x00800000;
const bit<32> PLUS_INF = 0x7F800000;
const bit<32> MINUS_INF = 0xFF800000;
const bit<32> QUIET_NAN = 0x7FC00000;

/* The counts of specials that an accumulated mantissa may contain if its sum is to be this infinity. */
const bit<32> ALL_BUT_MINUS_INF = 0x000FFFFF;
const bit<32> ALL_BUT_PLUS_INF = 0xFFF003FF;

/* A normalised magnitude has its leading one at bit 31, eight above the fraction's implied one. */
const bit<8> NORMAL_SHIFT = 8;
/* `scale` is an exponent plus this, so that it stays unsigned down to the smallest subnormal. */
const bit<32> SCALE_BIAS = 64;
/* Minus the scale: how far a subnormal's magnitude is shifted. */
const bit<32> SUBNORMAL_SHIFT = 8 + 1 + SCALE_BIAS;

#endif
