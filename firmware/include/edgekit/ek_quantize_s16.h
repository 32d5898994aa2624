/* ek_quantize_s16.h: float32 to int16, at the edge of a model. */
#ifndef EDGEKIT_EK_QUANTIZE_S16_H
#define EDGEKIT_EK_QUANTIZE_S16_H

#include <stdint.h>

/* out[i] = round(in[i] / scale) + zero_point, ties away from zero, saturated to -32768..32767
 *
 * in [elements] float32, out [elements] int16, scale > 0, zero_point -32768..32767.
 * NaN becomes zero_point. in and out must not overlap. Needs no scratch. */
void ek_quantize_s16(const float *in, float scale, int32_t zero_point, int32_t elements,
                     int16_t *out);

#endif
