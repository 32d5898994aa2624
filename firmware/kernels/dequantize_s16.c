#include "edgekit/ek_dequantize_s16.h"

void ek_dequantize_s16(const int16_t *in, float scale, int32_t zero_point, int32_t elements,
                       float *out)
{
    for (int32_t i = 0; i < elements; i++) {
        out[i] = scale * (float)(in[i] - zero_point);
    }
}
