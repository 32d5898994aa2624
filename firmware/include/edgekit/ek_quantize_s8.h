/* ek_quantize_s8.h: float32 to int8, at the edge of a model. */
#ifndef EDGEKIT_EK_QUANTIZE_S8_H
#define EDGEKIT_EK_QUANTIZE_S8_H

#include <stdint.h>

/* out[i] = round(in[i] / scale) + zero_point, ties away from zero, saturated to -128..127
 *
 * in [elements] float32, out [elements] int8, scale > 0, zero_point -128..127.
 * NaN becomes zero_point. in and out must not overlap. Needs no scratch. */
void ek_quantize_s8(const float *in, float scale, int32_t zero_point, int32_t elements,
                    int8_t *out);

#endif
