/*
 * Values are sent in the byte order of tensor memory, little-endian, so that hosts need no conversion (paper §3). One instruction per
 * container, and one action for all of them.
 */
#define SWAPPED(x) (x[7:0] ++ x[15:8] ++ x[23:16] ++ x[31:24])
#define SWAP_VALUE(i) hdr.values.v##i = SWAPPED(hdr.values.v##i);
#define SWAP_EXPONENT(i) hdr.exponents.e##i = hdr.exponents.e##i[7:0] ++ hdr.exponents.e##i[15:8];
