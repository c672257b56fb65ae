/*
 * Repetition over the values of a packet: EACH_VALUE(X) expands X(i) for every value, with i as two
 * hexadecimal digits, so that X can build a field's name and an index from the same token.
 * P4 has no indexable fields inside one header, and one header with N fields is extracted and emitted in
 * one step, where a stack of N headers would take N parser states.
 */
#ifndef FPISA_VALUES
#define FPISA_VALUES

#define ROW_OF_VALUES(X, r) \
    X(r##0) X(r##1) X(r##2) X(r##3) X(r##4) X(r##5) X(r##6) X(r##7) \
    X(r##8) X(r##9) X(r##A) X(r##B) X(r##C) X(r##D) X(r##E) X(r##F)

#define FOUR_ROWS(X, a, b, c, d) \
    ROW_OF_VALUES(X, a) ROW_OF_VALUES(X, b) ROW_OF_VALUES(X, c) ROW_OF_VALUES(X, d)

#if VALUES_PER_PACKET == 16
#define EACH_VALUE(X) ROW_OF_VALUES(X, 0)
#elif VALUES_PER_PACKET == 64
#define EACH_VALUE(X) FOUR_ROWS(X, 0, 1, 2, 3)
#elif VALUES_PER_PACKET == 256
#define EACH_VALUE(X) \
    FOUR_ROWS(X, 0, 1, 2, 3) FOUR_ROWS(X, 4, 5, 6, 7) \
    FOUR_ROWS(X, 8, 9, A, B) FOUR_ROWS(X, C, D, E, F)
#else
#error "VALUES_PER_PACKET must be 16, 64 or 256"
#endif

#endif
