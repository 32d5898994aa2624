/* ek_quantize.h: what the kernels of QUANTIZE share. */
#ifndef EDGEKIT_EK_QUANTIZE_H
#define EDGEKIT_EK_QUANTIZE_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

/* round(x), ties away from zero, 0 for NaN, or ±EK_FAR beyond it: there every zero point of 16 bits
 * saturates. */
#define EK_FAR (1 << 17)

static inline int32_t ek_round_near(float x)
{
    if (x >= (float)EK_FAR) {
        return EK_FAR;
    }
    if (x <= (float)-EK_FAR) {
        return -EK_FAR;
    }
    if (x != x) {
        return 0;
    }
    const int32_t twice = (int32_t)(x + x); /* exact but for what the conversion cuts off */
    return (twice < 0 ? twice - 1 : twice + 1) / 2;
}

/* From integers to integers. */
typedef struct {
    int32_t in_zero_point;
    int32_t multiplier; /* 0 or 2^30..2^31-1 */
    int32_t shift;      /* -31..22, of int16 to 14; positive shifts left */
    int32_t out_zero_point;
} ek_quantize_params;

/* The integer that `x` becomes, not yet saturated. */
static inline int32_t ek_quantize_integer(int32_t x, const ek_quantize_params *p)
{
    return ek_requantize(x - p->in_zero_point, p->multiplier, p->shift) + p->out_zero_point;
}

#endif
