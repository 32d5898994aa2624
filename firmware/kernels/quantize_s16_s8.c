#include "edgekit/ek_quantize_s16_s8.h"

void ek_quantize_s16_s8(const int16_t *in, const ek_quantize_params *params, int32_t elements,
                        int8_t *out)
{
    const ek_quantize_params p = *params; /* a copy that stores to `out` cannot change */
    for (int32_t i = 0; i < elements; i++) {
        out[i] = (int8_t)ek_clamp(ek_quantize_integer(in[i], &p), INT8_MIN, INT8_MAX);
    }
}
