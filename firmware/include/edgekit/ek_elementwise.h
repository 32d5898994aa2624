/* ek_elementwise.h: what ADD and MUL share: the walk over two shapes, and the output stage. */
#ifndef EDGEKIT_EK_ELEMENTWISE_H
#define EDGEKIT_EK_ELEMENTWISE_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

#define EK_MAX_OUTER_LOOPS 5

/* Nested loops over the output, whose elements lie one after the other. Steps are in elements of
 * an input; step 0 repeats one element. */
typedef struct {
    int32_t row;            /* size of the innermost loop */
    int32_t step_a, step_b; /* in it: 0 or 1, not both 0 */
    int32_t rows;           /* the product of the outer sizes */
    int32_t outer;          /* number of outer loops, 0..EK_MAX_OUTER_LOOPS */
    const int32_t *loops;   /* [outer][3]: size, step_a, step_b; innermost first. NULL if none */
} ek_walk;

/* Where a row begins in either input; starts as zeros. */
typedef struct {
    int32_t a, b;
    int32_t count[EK_MAX_OUTER_LOOPS];
} ek_walk_at;

/* Move on to the next row; after the last one, to the first. */
static inline void ek_walk_next(ek_walk_at *at, const ek_walk *walk)
{
    const int32_t *loop = walk->loops;
    for (int32_t i = 0; i < walk->outer; i++) {
        at->a += loop[1];
        at->b += loop[2];
        if (++at->count[i] < loop[0]) {
            return;
        }
        at->count[i] = 0;
        at->a -= loop[0] * loop[1];
        at->b -= loop[0] * loop[2];
        loop += 3;
    }
}

/* round(doubled * b / 2^32) + c, ties towards +infinity: what ek_doubling_high_mul makes of
 * doubled / 2, with less work on most cores.
 * Precondition: doubled is even, 0 <= b < 2^31, c >= 0. */
static inline int32_t ek_high_mul_add(int32_t doubled, int32_t b, int32_t c)
{
#if EK_NO_LONG_MULTIPLY
    return ek_doubling_high_mul(ek_shift_right(doubled, 1), b) + c;
#else
    return (int32_t)(((int64_t)doubled * b + (((int64_t)c << 32) | 0x80000000)) >> 32);
#endif
}

/* How an accumulator becomes an output: rounded twice, as ek_requantize. */
typedef struct {
    int32_t multiplier; /* 0 or 2^30..2^31-1 */
    int32_t shift;      /* to the right, 0..31 */
    int32_t half;       /* 2^(shift-1); 0 if shift is 0 */
    int32_t zero_point; /* 0 for int16 */
    int32_t min, max;   /* fused activation */
} ek_output;

/* doubled / 2 on the output's scale.
 *
 * `tie`: -1 if doubled is negative and shift is not 0, else 0. It makes ties go away from zero; a
 * product that rounds to 0 stays 0 with it.
 * Precondition: doubled is even. Its product then stays below 2^30 and has room for `half`. */
static inline int8_t ek_to_output_s8(int32_t doubled, int32_t tie, const ek_output *o)
{
    const int32_t x = ek_high_mul_add(doubled, o->multiplier, o->half) + tie;
    return (int8_t)ek_clamp(ek_shift_right(x, o->shift) + o->zero_point, o->min, o->max);
}

/* Likewise; the zero point is 0. */
static inline int16_t ek_to_output_s16(int32_t doubled, int32_t tie, const ek_output *o)
{
    const int32_t x = ek_high_mul_add(doubled, o->multiplier, o->half) + tie;
    return (int16_t)ek_clamp(ek_shift_right(x, o->shift), o->min, o->max);
}

#endif
