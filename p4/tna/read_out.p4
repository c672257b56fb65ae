/* Reads out the sum of one value (p4/shared/steps_read_out.p4); the registers do not change. */
control ReadOut(inout bit<32> word, inout bit<32> scale, in bit<8> how) {
    Magnitude() magnitude;
#ifdef PAPER_LAYOUT
    NormaliseByPrefix() normalise_by_prefix;
    NormaliseByOne() normalise_by_one;
#else
    NormaliseByEights() normalise_by_eights;
#ifdef NARROW_SHIFT
    NormaliseByTwos() normalise_by_twos;
    NormaliseByOne() normalise_by_one;
#else
    NormaliseByOnes() normalise_by_ones;
#endif
#endif

    apply {
        if (how == EGRESS_READS_FLOATS) {
            magnitude.apply(word, scale);
        }
#ifdef PAPER_LAYOUT
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_prefix.apply(word, scale);
        }
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_one.apply(word, scale);
        }
#else
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_eights.apply(word, scale);
        }
#ifdef NARROW_SHIFT
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_twos.apply(word, scale);
        }
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_one.apply(word, scale);
        }
#else
        if (how == EGRESS_READS_FLOATS) {
            normalise_by_ones.apply(word, scale);
        }
#endif
#endif
    }
}
