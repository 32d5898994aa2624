#include "edgekit/ek_quantize_s8.h"

#include "edgekit/ek_quantize.h"

void ek_quantize_s8(const float *in, float scale, int32_t zero_point, int32_t elements, int8_t *out)
{
    for (int32_t i = 0; i < elements; i++) {
        const int32_t q = ek_round_near(in[i] / scale) + zero_point;
        out[i] = (int8_t)ek_clamp(q, INT8_MIN, INT8_MAX);
    }
}
