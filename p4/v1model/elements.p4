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

#ifdef VALUES_IN_STEPS
#define TAKE_TO_256(i) words.write(0x##i, hdr.values_to_256.v##i);
#define GIVE_TO_256(i) words.read(hdr.values_to_256.v##i, 0x##i);
#define TAKE_TO_1024(i) words.write(0x##i, hdr.values_to_1024.v##i);
#define GIVE_TO_1024(i) words.read(hdr.values_to_1024.v##i, 0x##i);
    action take_values_to_256() {
        EACH_VALUE_TO_256(TAKE_TO_256)
    }
    action give_values_to_256() {
        EACH_VALUE_TO_256(GIVE_TO_256)
    }
    action take_values_to_1024() {
        EACH_VALUE_TO_1024(TAKE_TO_1024)
    }
    action give_values_to_1024() {
        EACH_VALUE_TO_1024(GIVE_TO_1024)
    }
#if VALUES_PER_PACKET == 2048
#define TAKE_TO_2048(i) words.write(0x##i, hdr.values_to_2048.v##i);
#define GIVE_TO_2048(i) words.read(hdr.values_to_2048.v##i, 0x##i);
    action take_values_to_2048() {
        EACH_VALUE_TO_2048(TAKE_TO_2048)
    }
    action give_values_to_2048() {
        EACH_VALUE_TO_2048(GIVE_TO_2048)
    }
#endif
#endif

    /* Adds the packet's values when it contributes, and replaces them by the sums when it answers. */
    apply {
        meta.network_order = hdr.fpisa.flags & FLAG_NETWORK_ORDER;
#ifdef VALUES_IN_STEPS
        meta.values = FIRST_VALUES;
        if (hdr.values_to_256.isValid()) {
            meta.values = 256;
        }
        if (hdr.values_to_1024.isValid()) {
            meta.values = 1024;
        }
#if VALUES_PER_PACKET == 2048
        if (hdr.values_to_2048.isValid()) {
            meta.values = 2048;
        }
#endif
#endif
        if (meta.contributes == 1) {
            take_values();
            FURTHER_STEPS(take_values)
            accumulate.apply(meta, words, exponents, mantissas, events);
        }
        if (meta.answers == 1) {
            read_out.apply(meta, words, exponents, mantissas);
            give_values();
            FURTHER_STEPS(give_values)
        }
    }
}
