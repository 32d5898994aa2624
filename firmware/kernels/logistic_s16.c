#include "edgekit/ek_logistic_s16.h"

void ek_logistic_s16(const int16_t *in, const int16_t *table, const ek_argument *argument,
                     int32_t elements, int16_t *out)
{
    const ek_argument a = *argument; /* a copy that stores to `out` cannot change */
    for (int32_t i = 0; i < elements; i++) {
        const int32_t x = ek_argument_of(in[i], &a);
        /* the last point is 32766 here, so that 1 becomes 32767 */
        const int32_t half = ek_interpolate_logistic(x, 9, 32766, table);
        const int32_t sum = (1 << 24) + (x < 0 ? 511 - half : 512 + half);
        out[i] = (int16_t)ek_shift_right(sum, 10);
    }
}
