/* ek_mul_s8.h: element-wise products. */
#ifndef EDGEKIT_EK_MUL_S8_H
#define EDGEKIT_EK_MUL_S8_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

typedef struct {
    int32_t zero_point_a, zero_point_b;
    int32_t left_shift; /* 1..15: of the product, before the output's multiplier */
    ek_walk walk;
    ek_output output;
} ek_mul_s8_params;

/* out = output((a - zero_point_a) * (b - zero_point_b) * 2^left_shift)
 *
 * a, b [walk] int8    out [walk.rows][walk.row] int8
 * out may be a or b, if that one is read without repeating elements. Needs no scratch. */
void ek_mul_s8(const int8_t *a, const int8_t *b, const ek_mul_s8_params *params, int8_t *out);

#endif
