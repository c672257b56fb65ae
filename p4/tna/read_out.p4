/* The sum of one value, on its way out (p4/shared/steps_read_out.p4); the registers stay as they are. */
control ReadOut(inout bit<32> word, inout bit<32> scale) {
    Magnitude() magnitude;
    NormaliseByEights() normalise_by_eights;
    NormaliseByTwos() normalise_by_twos;
    NormaliseByOne() normalise_by_one;

    apply {
        magnitude.apply(word, scale);
        normalise_by_eights.apply(word, scale);
        normalise_by_twos.apply(word, scale);
        normalise_by_one.apply(word, scale);
    }
}
