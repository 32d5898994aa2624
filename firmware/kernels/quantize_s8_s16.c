#include "edgekit/ek_quantize_s8_s16.h"

void ek_quantize_s8_s16(const int8_t *in, const ek_quantize_params *params, int32_t elements,
                        int16_t *out)
{
    const ek_quantize_params p = *params; /* a copy that stores to `out` cannot change */
    for (int32_t i = 0; i < elements; i++) {
        out[i] = (int16_t)ek_clamp(ek_quantize_integer(in[i], &p), INT16_MIN, INT16_MAX);
    }
}
