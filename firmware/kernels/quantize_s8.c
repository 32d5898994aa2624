#include "edgekit/ek_quantize_s8.h"

/* round(x), ties away from zero, or ±FAR beyond it: there every zero point saturates. */
#define FAR 256

static int32_t round_near(float x)
{
    if (x >= (float)FAR) {
        return FAR;
    }
    if (x <= (float)-FAR) {
        return -FAR;
    }
    if (x != x) {
        return 0;
    }
    const int32_t twice = (int32_t)(x + x); /* exact but for what the conversion cuts off */
    return (twice < 0 ? twice - 1 : twice + 1) / 2;
}

void ek_quantize_s8(const float *in, float scale, int32_t zero_point, int32_t elements, int8_t *out)
{
    for (int32_t i = 0; i < elements; i++) {
        int32_t q = round_near(in[i] / scale) + zero_point;
        q = q < INT8_MIN ? INT8_MIN : q;
        out[i] = (int8_t)(q > INT8_MAX ? INT8_MAX : q);
    }
}
