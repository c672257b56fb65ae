/*
 * The arithmetic of p4/v1model/accumulate.p4 (docs/arithmetic.md, full mode, alignment to nearest) as a plain loop: the reference
 * for the software switch's time per value. Prints the median over rounds, in nanoseconds per value.
 *
 * usage: fpisa_add <values per packet> <workers> <rounds>
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SPECIAL 256u
#define PLUS_INF 0x7F800000u

static uint64_t overflows;

static void unpack(uint32_t word, int guard, uint32_t *exponent, int32_t *mantissa)
{
    uint32_t field = (word >> 23) & 0xFF;
    uint32_t fraction = word & 0x7FFFFF;
    if (field == 255) {
        *exponent = SPECIAL;
        *mantissa = fraction != 0 ? 1 : word == PLUS_INF ? 1 << 10 : 1 << 20;
        return;
    }
    *exponent = field == 0 ? 1 : field;
    int32_t magnitude = (int32_t) ((field == 0 ? fraction : fraction | 0x800000) << guard);
    *mantissa = word >> 31 ? -magnitude : magnitude;
}

/* To the nearest, ties to even, or down. What is lost stands at the top of a word; an odd quotient makes a tie more. */
static int32_t shift_right(int32_t value, uint32_t by, int nearest)
{
    if (by > 31)
        return nearest ? 0 : value >> 31;
    int32_t quotient = value >> by;
    uint32_t lost = (uint32_t) value << 1 << (31 - by);
    return nearest && (lost | (quotient & 1)) > 0x80000000u ? quotient + 1 : quotient;
}

/* Kept out of line, so that the loop is not specialised for the caller's constants. */
__attribute__((noinline)) static void add_packet(const uint8_t *packet, uint16_t *exponents, uint32_t *mantissas,
                                                 int values, int first, int guard, int nearest)
{
    for (int i = 0; i < values; i++) {
        uint32_t word = (uint32_t) packet[4 * i] | (uint32_t) packet[4 * i + 1] << 8
            | (uint32_t) packet[4 * i + 2] << 16 | (uint32_t) packet[4 * i + 3] << 24;
        uint32_t exponent;
        int32_t mantissa;
        unpack(word, guard, &exponent, &mantissa);
        if (first) {
            exponents[i] = (uint16_t) exponent;
            mantissas[i] = (uint32_t) mantissa;
            continue;
        }
        uint32_t stored_exponent = exponents[i];
        int32_t stored = (int32_t) mantissas[i];
        if (exponent <= stored_exponent) {
            if (stored_exponent != SPECIAL)
                mantissa = shift_right(mantissa, stored_exponent - exponent, nearest);
            else if (exponent != SPECIAL)
                mantissa = 0;
        } else {
            stored = exponent == SPECIAL ? 0 : shift_right(stored, exponent - stored_exponent, nearest);
            exponents[i] = (uint16_t) exponent;
        }
        int64_t sum = (int64_t) stored + mantissa;
        if (sum > INT32_MAX) {
            sum = INT32_MAX;
            overflows++;
        } else if (sum < INT32_MIN) {
            sum = INT32_MIN;
            overflows++;
        }
        mantissas[i] = (uint32_t) (int32_t) sum;
    }
}

/* The same sequence as in bench/engine.ts: xorshift32, and magnitudes like those of gradients. */
static uint32_t state = 1;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int values = argc > 1 ? atoi(argv[1]) : 256;
    int workers = argc > 2 ? atoi(argv[2]) : 32;
    int rounds = argc > 3 ? atoi(argv[3]) : 2000;
    int slots = 16;
    uint32_t *packets = malloc((size_t) workers * values * 4);
    for (int i = 0; i < workers * values; i++) {
        uint32_t random = next();
        packets[i] = (random & 0x807FFFFF) | (uint32_t) (110 + ((random >> 23) & 7)) << 23;
    }
    uint16_t *exponents = calloc((size_t) slots * values, 2);
    uint32_t *mantissas = calloc((size_t) slots * values, 4);
    double *times = malloc((size_t) rounds * sizeof(double));
    for (int pass = 0; pass < 2; pass++)
        for (int round = 0; round < rounds; round++) {
            struct timespec from, to;
            clock_gettime(CLOCK_MONOTONIC, &from);
            for (int worker = 0; worker < workers; worker++)
                add_packet((const uint8_t *) (packets + worker * values), exponents + (round % slots) * values,
                           mantissas + (round % slots) * values, values, worker == 0, 2, 1);
            clock_gettime(CLOCK_MONOTONIC, &to);
            times[round] = (to.tv_sec - from.tv_sec) * 1e9 + (double) (to.tv_nsec - from.tv_nsec);
        }
    qsort(times, (size_t) rounds, sizeof(double), ascending);
    double ns = times[rounds / 2];
    printf("%.3f %u %llu\n", ns / ((double) workers * values), mantissas[0], (unsigned long long) overflows);
    return 0;
}
