/* ek_quantize_s16_s16.h: int16 to int16 of another scale. */
#ifndef EDGEKIT_EK_QUANTIZE_S16_S16_H
#define EDGEKIT_EK_QUANTIZE_S16_S16_H

#include <stdint.h>

#include "edgekit/ek_quantize.h"

/* out[i] = requant(in[i] - in_zero_point) + out_zero_point, saturated to -32768..32767
 *
 * in [elements] int16, out [elements] int16. They may be the same array.
 * Needs no scratch. */
void ek_quantize_s16_s16(const int16_t *in, const ek_quantize_params *params, int32_t elements,
                         int16_t *out);

#endif
