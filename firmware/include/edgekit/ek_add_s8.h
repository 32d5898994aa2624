/* ek_add_s8.h: element-wise sums and differences. */
#ifndef EDGEKIT_EK_ADD_S8_H
#define EDGEKIT_EK_ADD_S8_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

typedef struct {
    int32_t unit;       /* 2^20 or -2^20 */
    int32_t offset;     /* minus unit times a's zero point */
    int32_t zero_point; /* of b */
    int32_t multiplier; /* 0 or 2^30..2^31-1 */
    int32_t half;       /* 2^(shift-1) */
    int32_t shift;      /* 1..31 */
    int32_t factor;     /* 2 or -2; 4 or -4 where shift is one too many */
    ek_walk walk;
    ek_output output; /* shift 1..31 */
} ek_add_s8_params;

/* out = output(unit * a + offset + factor * scaled(b)), where
 * scaled(b) = round(round((b - zero_point) * 2^20 * multiplier / 2^31) / 2^shift)
 *
 * a is the input with the greater scale, b the other one; SUB is a sign in unit or in factor.
 * a, b [walk] int8    out [walk.rows][walk.row] int8
 * Sums stay below 2^29 in magnitude. out may be a or b, if that one is read without repeating
 * elements. Needs no scratch. */
void ek_add_s8(const int8_t *a, const int8_t *b, const ek_add_s8_params *params, int8_t *out);

#endif
