/*
 * The registers of one value, and the steps that lead to them (p4/shared/steps_*.p4). Each value has separate registers: they are in
 * different stages, and a stateful ALU serves one register.
 */
struct exponent_and_distance_t {
    int<16> exponent;
    /* Written with each access and never read from memory: an ALU can return only what it could store. */
    int<16> distance;
}

control Element(inout bit<32> word, inout bit<16> exponent, in ingress_meta_t meta) {
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

    /* The distance is not taken from the ALU: p4c 1.2.5.16 makes it return the exponent instead of its complement. */
    action first() {
        open_exponent.execute(meta.set);
        distance = 0xFFFF;
    }
    action later() {
        distance = join_exponent.execute(meta.set);
    }
    /* Integers have no exponent: they are not shifted. */
    action none() {
        distance = 0;
    }
    @placement_priority(PRIORITY_OF_EXPONENTS)
    table align {
        key = {
            meta.step: exact @name("step");
            meta.format: exact @name("format");
        }
        actions = {
            first;
            later;
            @defaultonly none;
        }
        const entries = {
            (STEP_OPEN, FORMAT_FP32): first();
            (STEP_JOIN, FORMAT_FP32): later();
        }
        const default_action = none();
        size = 2;
    }

    action replace() {
        word = open_mantissa.execute(meta.set);
    }
    action add() {
        word = join_mantissa.execute(meta.set);
    }
    action read() {
        word = read_mantissa.execute(meta.set);
    }
    @placement_priority(PRIORITY_OF_MANTISSAS)
    table accumulate {
        key = {
            meta.mantissa: exact @name("mantissa");
            distance[15:15]: exact @name("replaces");
        }
        actions = {
            replace;
            add;
            read;
            @defaultonly NoAction;
        }
        const entries = {
            (MANTISSA_OPEN, 0): replace();
            (MANTISSA_OPEN, 1): replace();
            (MANTISSA_JOIN, 0): add();
            (MANTISSA_JOIN, 1): replace();
            (MANTISSA_READ, 0): read();
            (MANTISSA_READ, 1): read();
        }
        const default_action = NoAction();
        size = 6;
    }

    Classify() classify;
    Negate() negate;
#ifdef PAPER_LAYOUT
    ShiftByDistance() shift_by_distance;
#elif defined(NARROW_SHIFT)
    SettleExponent() settle_exponent;
    ShiftBySixteens() shift_by_sixteens;
    ShiftByFours() shift_by_fours;
    ShiftByThrees() shift_by_threes;
#else
    ShiftByEights() shift_by_eights;
    ShiftByOnes() shift_by_ones;
#endif

    /*
     * Each table has its own condition: a Tofino runs the body of one condition with nothing else in between, so a block
     * would delay the protocol's tables.
     */
    apply {
        if (HAS_FLOATS(meta)) {
            classify.apply(word, exponent);
        }
        if (HAS_FLOATS(meta) && IS_NEGATIVE(exponent)) {
            negate.apply(word, exponent);
        }
        align.apply();
#ifdef PAPER_LAYOUT
        if (HAS_FLOATS(meta)) {
            shift_by_distance.apply(word, exponent, distance);
        }
#elif defined(NARROW_SHIFT)
        if (HAS_FLOATS(meta)) {
            settle_exponent.apply(word, exponent, distance);
        }
        if (HAS_FLOATS(meta)) {
            shift_by_sixteens.apply(word, distance);
        }
        if (HAS_FLOATS(meta)) {
            shift_by_fours.apply(word, distance);
        }
        if (HAS_FLOATS(meta)) {
            shift_by_threes.apply(word, distance);
        }
#else
        if (HAS_FLOATS(meta)) {
            shift_by_eights.apply(word, exponent, distance);
        }
        if (HAS_FLOATS(meta)) {
            shift_by_ones.apply(word, distance);
        }
#endif
        accumulate.apply();
    }
}
