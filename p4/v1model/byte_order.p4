/*
 * Values travel in the order of tensor memory, little-endian, so that hosts convert nothing (paper §3).
 * The arithmetic works on network order; this turns one into the other, both ways.
 */
action swap_bytes(inout bit<32> word) {
    word = (word << 24) | ((word & 0xFF00) << 8) | ((word >> 8) & 0xFF00) | (word >> 24);
}
