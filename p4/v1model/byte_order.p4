/*
 * Values are sent in the byte order of tensor memory, little-endian, so that hosts need no conversion (paper §3).
 * The arithmetic works on network order; this converts in both directions.
 */
action swap_bytes(inout bit<32> word) {
    word = (word << 24) | ((word & 0xFF00) << 8) | ((word >> 8) & 0xFF00) | (word >> 24);
}
