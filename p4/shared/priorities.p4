/*
 * What a Tofino's compiler shall place first, where a stage has no room for all (docs/tofino.md); other compilers pass over it. Left to
 * itself it takes read-out first, which has stages to spare. The slot's state comes before the values, because all of them wait
 * for it; of the values, what is nearer to the end of its way comes first, but for the exponents: their registers share the ALUs of
 * a stage with the mantissas'.
 */
#ifndef FPISA_PRIORITIES
#define FPISA_PRIORITIES

#define PRIORITY_OF_SLOTS 100
#define PRIORITY_OF_PROGRESS 95
#define PRIORITY_OF_EXPONENTS 90
#define PRIORITY_OF_MANTISSAS 85
#define PRIORITY_OF_EIGHTS 80
#define PRIORITY_OF_ONES 70

#endif
