/*
 * Repetition over the values of a packet: EACH_VALUE(X) expands X(i) for every value, with i as two
 * or three hexadecimal digits, so that X can build a field's name and an index from the same token.
 * P4 has no indexable fields inside one header, and one header with N fields is extracted and emitted in
 * one step, where a stack of N headers would take N parser states.
 */
#ifndef FPISA_VALUES
#define FPISA_VALUES

#define FOUR_VALUES(X, r, a, b, c, d) X(r##a) X(r##b) X(r##c) X(r##d)
#define ROW_OF_VALUES(X, r) \
    FOUR_VALUES(X, r, 0, 1, 2, 3) FOUR_VALUES(X, r, 4, 5, 6, 7) \
    FOUR_VALUES(X, r, 8, 9, A, B) FOUR_VALUES(X, r, C, D, E, F)

#define FOUR_ROWS(X, a, b, c, d) \
    ROW_OF_VALUES(X, a) ROW_OF_VALUES(X, b) ROW_OF_VALUES(X, c) ROW_OF_VALUES(X, d)

/* 256 values whose numbers begin with the digit p: three digits, for the sizes above 256. */
#define PAGE_OF_VALUES(X, p) \
    FOUR_ROWS(X, p##0, p##1, p##2, p##3) FOUR_ROWS(X, p##4, p##5, p##6, p##7) \
    FOUR_ROWS(X, p##8, p##9, p##A, p##B) FOUR_ROWS(X, p##C, p##D, p##E, p##F)

/* Below 16, and up to 32: sizes that fit in a pipeline of stages. */
#if VALUES_PER_PACKET == 1
#define EACH_VALUE(X) X(00)
#elif VALUES_PER_PACKET == 2
#define EACH_VALUE(X) X(00) X(01)
#elif VALUES_PER_PACKET == 4
#define EACH_VALUE(X) FOUR_VALUES(X, 0, 0, 1, 2, 3)
#elif VALUES_PER_PACKET == 8
#define EACH_VALUE(X) FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7)
#elif VALUES_PER_PACKET == 9
#define EACH_VALUE(X) FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) X(08)
#elif VALUES_PER_PACKET == 10
#define EACH_VALUE(X) \
    FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) X(08) X(09)
#elif VALUES_PER_PACKET == 12
#define EACH_VALUE(X) \
    FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) FOUR_VALUES(X, 0, 8, 9, A, B)
#elif VALUES_PER_PACKET == 13
#define EACH_VALUE(X) \
    FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) FOUR_VALUES(X, 0, 8, 9, A, B) \
    X(0C)
#elif VALUES_PER_PACKET == 14
#define EACH_VALUE(X) \
    FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) FOUR_VALUES(X, 0, 8, 9, A, B) \
    X(0C) X(0D)
#elif VALUES_PER_PACKET == 15
#define EACH_VALUE(X) \
    FOUR_VALUES(X, 0, 0, 1, 2, 3) FOUR_VALUES(X, 0, 4, 5, 6, 7) FOUR_VALUES(X, 0, 8, 9, A, B) \
    X(0C) X(0D) X(0E)
#elif VALUES_PER_PACKET == 16
#define EACH_VALUE(X) ROW_OF_VALUES(X, 0)
#elif VALUES_PER_PACKET == 20
#define EACH_VALUE(X) ROW_OF_VALUES(X, 0) FOUR_VALUES(X, 1, 0, 1, 2, 3)
#elif VALUES_PER_PACKET == 24
#define EACH_VALUE(X) \
    ROW_OF_VALUES(X, 0) FOUR_VALUES(X, 1, 0, 1, 2, 3) FOUR_VALUES(X, 1, 4, 5, 6, 7)
#elif VALUES_PER_PACKET == 28
#define EACH_VALUE(X) \
    ROW_OF_VALUES(X, 0) FOUR_VALUES(X, 1, 0, 1, 2, 3) FOUR_VALUES(X, 1, 4, 5, 6, 7) \
    FOUR_VALUES(X, 1, 8, 9, A, B)
#elif VALUES_PER_PACKET == 32
#define EACH_VALUE(X) ROW_OF_VALUES(X, 0) ROW_OF_VALUES(X, 1)
#elif VALUES_PER_PACKET == 64
#define EACH_VALUE(X) FOUR_ROWS(X, 0, 1, 2, 3)
#elif VALUES_PER_PACKET == 256
#define EACH_VALUE(X) \
    FOUR_ROWS(X, 0, 1, 2, 3) FOUR_ROWS(X, 4, 5, 6, 7) \
    FOUR_ROWS(X, 8, 9, A, B) FOUR_ROWS(X, C, D, E, F)
#elif VALUES_PER_PACKET == 1024 || VALUES_PER_PACKET == 2048
/*
 * Large packets come in steps: a chunk travels in the shortest packet that holds it, so that a few values do not cost
 * 8 KiB. Each step is a header of its own behind the shorter ones. The first three are as large as the other builds'
 * packets; 256 values fit an ordinary Ethernet frame, 2,048 a jumbo frame of 9,000 bytes.
 */
#define VALUES_IN_STEPS
#define FIRST_VALUES 64
#define EACH_VALUE(X) FOUR_ROWS(X, 00, 01, 02, 03)
#define EACH_VALUE_TO_256(X) \
    FOUR_ROWS(X, 04, 05, 06, 07) FOUR_ROWS(X, 08, 09, 0A, 0B) FOUR_ROWS(X, 0C, 0D, 0E, 0F)
#define EACH_VALUE_TO_1024(X) PAGE_OF_VALUES(X, 1) PAGE_OF_VALUES(X, 2) PAGE_OF_VALUES(X, 3)
#if VALUES_PER_PACKET == 2048
#define EACH_VALUE_TO_2048(X) \
    PAGE_OF_VALUES(X, 4) PAGE_OF_VALUES(X, 5) PAGE_OF_VALUES(X, 6) PAGE_OF_VALUES(X, 7)
#endif
#else
#error "VALUES_PER_PACKET must be 1, 2, 4, 8, 9, 10, 12, 13, 14, 15, 16, 20, 24, 28, 32, 64, 256, 1024 or 2048"
#endif

/* Values that even the shortest packet holds; and DO_to_256, … for each step that the packet at hand reaches. */
#ifndef VALUES_IN_STEPS
#define FIRST_VALUES VALUES_PER_PACKET
#define FURTHER_STEPS(DO)
#elif VALUES_PER_PACKET == 2048
#define FURTHER_STEPS(DO) \
    if (meta.values >= 256) { DO##_to_256(); } \
    if (meta.values >= 1024) { DO##_to_1024(); } \
    if (meta.values >= 2048) { DO##_to_2048(); }
#else
#define FURTHER_STEPS(DO) \
    if (meta.values >= 256) { DO##_to_256(); } \
    if (meta.values >= 1024) { DO##_to_1024(); }
#endif

#endif
