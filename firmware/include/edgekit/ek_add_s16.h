/* ek_add_s16.h: element-wise sums and differences. */
#ifndef EDGEKIT_EK_ADD_S16_H
#define EDGEKIT_EK_ADD_S16_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

typedef struct {
    int32_t unit;       /* 2^15 or -2^15 */
    int32_t multiplier; /* 0 or 2^30..2^31-1 */
    int32_t half;       /* 2^(shift-1) */
    int32_t shift;      /* 1..31 */
    int32_t factor;     /* 2 or -2; 4 or -4 where shift is one too many */
    ek_walk walk;
    ek_output output; /* shift 1..31 */
} ek_add_s16_params;

/* out = output(unit * a + factor * scaled(b)), where
 * scaled(b) = round(round(b * 2^15 * multiplier / 2^31) / 2^shift)
 *
 * a is the input with the greater scale, b the other one; SUB is a sign in unit or in factor.
 * a, b [walk] int16    out [walk.rows][walk.row] int16; zero points are 0
 * Sums stay within 32 bits: factor * scaled(b) is at most 2^30 in magnitude, as is unit * a.
 * out may be a or b, if that one is read without repeating elements. Needs no scratch. */
void ek_add_s16(const int16_t *a, const int16_t *b, const ek_add_s16_params *params, int16_t *out);

#endif
