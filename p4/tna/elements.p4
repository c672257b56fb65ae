/*
 * The registers of one value, and its way to them (p4/shared/steps_*.p4). Each value has registers of its own: they lie in
 * different stages, and a stateful ALU serves one.
 */
struct exponent_and_distance_t {
    int<16> exponent;
    /* Written with each access and never read from memory: an ALU can give out only what it could store. */
    int<16> distance;
}

control Element(inout bit<32> word, inout bit<16> exponent, in set_number_t set, in bit<8> step, in bit<8> mantissa, in bit<8> format) {
    Register<exponent_and_distance_t, set_number_t>(SETS) exponents;
    Register<int<32>, set_number_t>(SETS) mantissas;
    bit<16> distance;

    RegisterAction<exponent_and_distance_t, set_number_t, bit<16>>(exponents) open_exponent = {
        void apply(inout exponent_and_distance_t stored) {
            OPEN_EXPONENT(stored.exponent, stored.distance, (int<16>) exponent)
        }
    };
    RegisterAction<exponent_and_distance_t, set_number_t, bit<16>>(exponents) join_exponent = {
        void apply(inout exponent_and_distance_t stored, out bit<16> result) {
            JOIN_EXPONENT(stored.exponent, stored.distance, (int<16>) exponent)
            result = (bit<16>) stored.distance;
        }
    };

    RegisterAction<int<32>, set_number_t, bit<32>>(mantissas) open_mantissa = {
        void apply(inout int<32> stored, out bit<32> result) {
            OPEN_MANTISSA(stored, (int<32>) word)
            result = (bit<32>) stored;
        }
    };
    RegisterAction<int<32>, set_number_t, bit<32>>(mantissas) join_mantissa = {
        void apply(inout int<32> stored, out bit<32> result) {
            JOIN_MANTISSA(stored, (int<32>) word)
            result = (bit<32>) stored;
        }
    };
    RegisterAction<int<32>, set_number_t, bit<32>>(mantissas) read_mantissa = {
        void apply(inout int<32> stored, out bit<32> result) {
            result = (bit<32>) stored;
        }
    };

    /* The ALU is not asked for the distance: p4c 1.2.5.16 lets it give out the exponent where its complement was meant. */
    action first() {
        open_exponent.execute(set);
        distance = 0xFFFF;
    }
    action later() {
        distance = join_exponent.execute(set);
    }
    table align {
        key = {
            step: exact @name("step");
        }
        actions = {
            first;
            later;
            @defaultonly NoAction;
        }
        const entries = {
            STEP_OPEN: first();
            STEP_JOIN: later();
        }
        const default_action = NoAction();
        size = 2;
    }

    action replace() {
        word = open_mantissa.execute(set);
    }
    action add() {
        word = join_mantissa.execute(set);
    }
    action read() {
        word = read_mantissa.execute(set);
    }
    table accumulate {
        key = {
            mantissa: ternary @name("mantissa");
            format: ternary @name("format");
            distance[15:15]: ternary @name("replaces");
        }
        actions = {
            replace;
            add;
            read;
            @defaultonly NoAction;
        }
        const entries = {
            (MANTISSA_OPEN, _, _): replace();
            (MANTISSA_JOIN, FORMAT_FP32, 1): replace();
            (MANTISSA_JOIN, _, _): add();
            (MANTISSA_READ, _, _): read();
        }
        const default_action = NoAction();
        size = 4;
    }

    Classify() classify;
    Negate() negate;
#ifdef PAPER_LAYOUT
    ShiftByDistance() shift_by_distance;
#elif defined(NARROW_SHIFT)
    ShiftNarrow() shift_narrow;
#else
    ShiftByEights() shift_by_eights;
    ShiftByOnes() shift_by_ones;
#endif

    /*
     * Each table under a condition of its own: a Tofino runs what is under one condition without anything between, so a block
     * would keep the protocol's tables waiting.
     */
    apply {
        if (format == FORMAT_FP32) {
            classify.apply(word, exponent);
        }
        if (format == FORMAT_FP32) {
            negate.apply(word, exponent);
        }
        if (format == FORMAT_FP32) {
            align.apply();
        }
#ifdef PAPER_LAYOUT
        if (format == FORMAT_FP32) {
            shift_by_distance.apply(word, exponent, distance);
        }
#elif defined(NARROW_SHIFT)
        shift_narrow.apply(word, exponent, distance, format);
#else
        if (format == FORMAT_FP32) {
            shift_by_eights.apply(word, exponent, distance);
        }
        if (format == FORMAT_FP32) {
            shift_by_ones.apply(word, distance);
        }
#endif
        accumulate.apply();
    }
}
