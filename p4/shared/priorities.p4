/*
 * What a Tofino's compiler must place first if a stage has no room for everything (docs/tofino.md); other compilers ignore it. By
 * default it places read-out first, which has stages to spare. The slot's state comes before the values, because all of them wait
 * for it; of the values, steps nearer to the end come first, except for the exponents: their registers share the ALUs of
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
