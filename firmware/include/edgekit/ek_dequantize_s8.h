/* ek_dequantize_s8.h: int8 to float32, at the edge of a model. */
#ifndef EDGEKIT_EK_DEQUANTIZE_S8_H
#define EDGEKIT_EK_DEQUANTIZE_S8_H

#include <stdint.h>

/* out[i] = scale * (in[i] - zero_point)
 *
 * in [elements] int8, out [elements] float32, zero_point -128..127.
 * in and out must not overlap. Needs no scratch. */
void ek_dequantize_s8(const int8_t *in, float scale, int32_t zero_point, int32_t elements,
                      float *out);

#endif
