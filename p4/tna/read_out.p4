/* The sum of one value, on its way out (p4/shared/steps_read_out.p4); the registers stay as they are. */
control ReadOut(inout bit<32> word, inout bit<32> scale, in bit<8> how) {
    Magnitude() magnitude;
    NormaliseByEights() normalise_by_eights;
    NormaliseByTwos() normalise_by_twos;
    NormaliseByOne() normalise_by_one;

    apply {
        if (how == EGRESS_READS_FLOATS) {
            magnitude.apply(word, scale);
        }
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_eights.apply(word, scale);
        }
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_twos.apply(word, scale);
        }
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_one.apply(word, scale);
        }
    }
}
