/* EACH_TUPLE(X) expands X(i) for every tuple of a packet, EACH_GROUP(X) for every group of a DRAIN, LANE_FIELDS the lanes. */
#ifndef FPISA_QUERY_TUPLES
#define FPISA_QUERY_TUPLES

#define EIGHT_FROM_0(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EIGHT_FROM_8(X) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define EIGHT_FROM_16(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define EIGHT_FROM_24(X) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

#if LANES == 2
#define EACH_LANE(X, i) X(i, 0) X(i, 1)
#define EACH_TUPLE(X) EIGHT_FROM_0(X) EIGHT_FROM_8(X) EIGHT_FROM_16(X) EIGHT_FROM_24(X)
#define EACH_GROUP(X) EIGHT_FROM_0(X) EIGHT_FROM_8(X)
#else
#define EACH_LANE(X, i) X(i, 0) X(i, 1) X(i, 2) X(i, 3) X(i, 4) X(i, 5)
#define EACH_TUPLE(X) EIGHT_FROM_0(X) EIGHT_FROM_8(X)
#define EACH_GROUP(X) EIGHT_FROM_0(X)
#endif

#endif
