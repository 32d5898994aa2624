/* ek_mul_s16.h: element-wise products. */
#ifndef EDGEKIT_EK_MUL_S16_H
#define EDGEKIT_EK_MUL_S16_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

typedef struct {
    ek_walk walk;
    ek_output output;
} ek_mul_s16_params;

/* out = output(a * b)
 *
 * a, b [walk] int16    out [walk.rows][walk.row] int16; zero points are 0
 * out may be a or b, if that one is read without repeating elements. Needs no scratch. */
void ek_mul_s16(const int16_t *a, const int16_t *b, const ek_mul_s16_params *params, int16_t *out);

#endif
