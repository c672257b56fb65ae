/*
 * The element registers: exponent and signed mantissa of every value of every set, and the path of a
 * packet's values to them and back.
 *
 * P4 has no header field with a run-time index, but registers do. So the values are first copied
 * into a scratch register, and the arithmetic is one loop over it: the program stays as small for 256
 * values as for 16, where unrolled code took 40 kB of JSON per value. The scratch register belongs to the packet in
 * ingress; simple_switch has one there at a time.
 */
control Elements(inout headers_t hdr, inout meta_t meta, counter events) {
    @name(".fpisa.exponents")
    register<exponent_t>(POOL_SLOTS * SETS_PER_SLOT * VALUES_PER_PACKET) exponents;
    @name(".fpisa.mantissas")
    register<mantissa_bits_t>(POOL_SLOTS * SETS_PER_SLOT * VALUES_PER_PACKET) mantissas;
    @name(".fpisa.words")
    register<bit<32>>(VALUES_PER_PACKET) words;

    Accumulate() accumulate;
    ReadOut() read_out;

#define TAKE_VALUE(i) words.write(0x##i, hdr.values.v##i);
#define GIVE_VALUE(i) words.read(hdr.values.v##i, 0x##i);

    action take_values() {
        EACH_VALUE(TAKE_VALUE)
    }
    action give_values() {
        EACH_VALUE(GIVE_VALUE)
    }

    /* Adds the packet's values when it contributes, and replaces them by the sums when it answers. */
    apply {
        meta.network_order = hdr.fpisa.flags & FLAG_NETWORK_ORDER;
        if (meta.contributes == 1) {
            take_values();
            accumulate.apply(meta, words, exponents, mantissas, events);
        }
        if (meta.answers == 1) {
            read_out.apply(meta, words, exponents, mantissas);
            give_values();
        }
    }
}
