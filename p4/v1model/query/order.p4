/*
 * Order-preserving keys (docs/arithmetic.md, "Compare"): unsigned comparison of keys is the order of the
 * values, with every NaN one value above +Inf. Also the inverse.
 */

/* -0 is below +0: the least and the greatest of zeros keep their sign. */
action order_f64_with_sign(inout bit<64> word) {
    if ((word & ~SIGN_BIT) > F64_INFINITY) {
        word = F64_QUIET_NAN | SIGN_BIT;
    } else if (word >= SIGN_BIT) {
        word = ~word;
    } else {
        word = word | SIGN_BIT;
    }
}

/* -0 equals +0. */
action order_f64(inout bit<64> word) {
    if (word == SIGN_BIT) {
        word = 0;
    }
    order_f64_with_sign(word);
}

action value_of_order_f64(inout bit<64> word) {
    if (word >= SIGN_BIT) {
        word = word ^ SIGN_BIT;
    } else {
        word = ~word;
    }
}

/* Two's complement, in both directions. */
action order_i64(inout bit<64> word) {
    word = word ^ SIGN_BIT;
}
