#include "edgekit/ek_relu_s16.h"

#include "edgekit/ek_requantize.h"

void ek_relu_s16(const int16_t *in, const ek_relu_s16_params *params, int32_t elements,
                 int16_t *out)
{
    const ek_relu_s16_params p = *params; /* a copy that stores to `out` cannot change */
    for (int32_t i = 0; i < elements; i++) {
        const int32_t x = in[i];
        const int32_t y = x >= 0
                              ? ek_requantize(x, p.above_multiplier, p.above_shift)
                              : ek_requantize(x, p.below_multiplier, p.below_shift) * p.below_sign;
        out[i] = (int16_t)ek_clamp(y, p.min, p.max);
    }
}
