/* ek_dequantize_s16.h: int16 to float32, at the edge of a model. */
#ifndef EDGEKIT_EK_DEQUANTIZE_S16_H
#define EDGEKIT_EK_DEQUANTIZE_S16_H

#include <stdint.h>

/* out[i] = scale * (in[i] - zero_point)
 *
 * in [elements] int16, out [elements] float32, zero_point -32768..32767.
 * in and out must not overlap. Needs no scratch. */
void ek_dequantize_s16(const int16_t *in, float scale, int32_t zero_point, int32_t elements,
                       float *out);

#endif
