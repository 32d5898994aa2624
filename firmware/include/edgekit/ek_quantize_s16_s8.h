/* ek_quantize_s16_s8.h: int16 to int8 of another scale. */
#ifndef EDGEKIT_EK_QUANTIZE_S16_S8_H
#define EDGEKIT_EK_QUANTIZE_S16_S8_H

#include <stdint.h>

#include "edgekit/ek_quantize.h"

/* out[i] = requant(in[i] - in_zero_point) + out_zero_point, saturated to -128..127
 *
 * in [elements] int16, out [elements] int8. in and out must not overlap.
 * Needs no scratch. */
void ek_quantize_s16_s8(const int16_t *in, const ek_quantize_params *params, int32_t elements,
                        int8_t *out);

#endif
