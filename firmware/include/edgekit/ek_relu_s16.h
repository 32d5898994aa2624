/* ek_relu_s16.h: two straight lines that meet at 0. */
#ifndef EDGEKIT_EK_RELU_S16_H
#define EDGEKIT_EK_RELU_S16_H

#include <stdint.h>

typedef struct {
    int32_t above_multiplier, above_shift; /* of inputs from 0 on, as ek_requantize takes them */
    int32_t below_multiplier, below_shift; /* of negative inputs */
    int32_t below_sign;                    /* 1 or -1 */
    int32_t min, max;                      /* -32768 <= min <= max <= 32767 */
} ek_relu_s16_params;

/* out[i] = clamp(requant(in[i], above), min, max) where in[i] >= 0,
 *          clamp(below_sign * requant(in[i], below), min, max) elsewhere
 *
 * in, out [elements] int16; zero points are 0. out may be in. Needs no scratch. */
void ek_relu_s16(const int16_t *in, const ek_relu_s16_params *params, int32_t elements,
                 int16_t *out);

#endif
