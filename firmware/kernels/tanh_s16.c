#include "edgekit/ek_tanh_s16.h"

void ek_tanh_s16(const int16_t *in, const int16_t *table, const ek_argument *argument,
                 int32_t elements, int16_t *out)
{
    const ek_argument a = *argument; /* a copy that stores to `out` cannot change */
    for (int32_t i = 0; i < elements; i++) {
        /* 2 logistic(2x) - 1: twice the steps, so one bit less between two points */
        const int32_t x = ek_argument_of(in[i], &a);
        const int32_t half = ek_interpolate_logistic(x, 8, 32767, table);
        out[i] = (int16_t)ek_shift_right(x < 0 ? 127 - half : 128 + half, 8);
    }
}
