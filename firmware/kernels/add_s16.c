#include "edgekit/ek_add_s16.h"

static int32_t scaled_term(int32_t b, const ek_add_s16_params *p)
{
#if EK_NO_LONG_MULTIPLY
    /* b has 16 bits, so that two 32-bit products do */
    const int32_t low = b * (p->multiplier & 0xffff);
    const int32_t high = b * ek_shift_right(p->multiplier, 16);
    int32_t scaled = high + ek_shift_right(low + (1 << 15), 16) + p->half;
#else
    int32_t scaled = ek_high_mul_add(b * (1 << 16), p->multiplier, p->half);
#endif
    scaled += ek_shift_right(b, 31); /* ties away from zero: scaled has the sign of b, or is 0 */
    return ek_shift_right(scaled, p->shift) * p->factor;
}

static void add_row(const int16_t *a, const int16_t *b, const ek_add_s16_params *params,
                    int16_t *out)
{
    const ek_add_s16_params p = *params; /* a copy that stores to `out` cannot change */
    for (int32_t i = p.walk.row; i > 0; i--) {
        const int32_t sum = *a * p.unit + scaled_term(*b, &p);
        *out++ = ek_to_output_s16(sum, ek_shift_right(sum, 31), &p.output);
        a += p.walk.step_a;
        b += p.walk.step_b;
    }
}

void ek_add_s16(const int16_t *a, const int16_t *b, const ek_add_s16_params *params, int16_t *out)
{
    ek_walk_at at = {0};
    for (int32_t rows = params->walk.rows; rows > 0; rows--) {
        add_row(a + at.a, b + at.b, params, out);
        out += params->walk.row;
        ek_walk_next(&at, &params->walk);
    }
}
