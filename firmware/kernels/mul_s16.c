#include "edgekit/ek_mul_s16.h"

static void mul_row(const int16_t *a, const int16_t *b, const ek_mul_s16_params *params,
                    int16_t *out)
{
    const ek_mul_s16_params p = *params; /* a copy that stores to `out` cannot change */
    for (int32_t i = p.walk.row; i > 0; i--) {
        /* up to 2^30: doubled, as ek_to_output_s16 wants it, it might not fit */
        const int32_t x = ek_doubling_high_mul(*a * *b, p.output.multiplier);
        const int32_t y = ek_rounding_shift_right(x, p.output.shift);
        *out++ = (int16_t)ek_clamp(y, p.output.min, p.output.max);
        a += p.walk.step_a;
        b += p.walk.step_b;
    }
}

void ek_mul_s16(const int16_t *a, const int16_t *b, const ek_mul_s16_params *params, int16_t *out)
{
    ek_walk_at at = {0};
    for (int32_t rows = params->walk.rows; rows > 0; rows--) {
        mul_row(a + at.a, b + at.b, params, out);
        out += params->walk.row;
        ek_walk_next(&at, &params->walk);
    }
}
