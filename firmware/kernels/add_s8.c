#include "edgekit/ek_add_s8.h"

static int32_t exact_term(int32_t a, const ek_add_s8_params *p)
{
    return a * p->unit + p->offset;
}

static int32_t scaled_term(int32_t b, const ek_add_s8_params *p)
{
    const int32_t x = b - p->zero_point;
#if EK_NO_LONG_MULTIPLY
    /* x has 9 bits, so that two 32-bit products do: of the multiplier's upper bits the rest is 0 */
    const int32_t low = x * (p->multiplier & 0x7ff);
    const int32_t high = x * ek_shift_right(p->multiplier, 11);
    int32_t scaled = high + ek_shift_right(low + (1 << 10), 11) + p->half;
#else
    int32_t scaled = ek_high_mul_add(x * (1 << 21), p->multiplier, p->half);
#endif
    scaled += ek_shift_right(x, 31); /* ties away from zero: scaled has the sign of x, or is 0 */
    return ek_shift_right(scaled, p->shift) * p->factor;
}

static int8_t to_output(int32_t sum, const ek_add_s8_params *p)
{
    return ek_to_output_s8(sum, ek_shift_right(sum, 31), &p->output);
}

static void add_row(const int8_t *a, const int8_t *b, const ek_add_s8_params *params, int8_t *out)
{
    const ek_add_s8_params p = *params; /* a copy that stores to `out` cannot change */
    const int8_t *const end = out + p.walk.row;
    if (p.walk.step_b == 0) {
        const int32_t scaled = scaled_term(*b, &p);
        while (out < end) {
            *out++ = to_output(exact_term(*a++, &p) + scaled, &p);
        }
    } else if (p.walk.step_a == 0) {
        const int32_t exact = exact_term(*a, &p);
        while (out < end) {
            *out++ = to_output(exact + scaled_term(*b++, &p), &p);
        }
    } else {
        while (out < end) {
            *out++ = to_output(exact_term(*a++, &p) + scaled_term(*b++, &p), &p);
        }
    }
}

void ek_add_s8(const int8_t *a, const int8_t *b, const ek_add_s8_params *params, int8_t *out)
{
    ek_walk_at at = {0};
    for (int32_t rows = params->walk.rows; rows > 0; rows--) {
        add_row(a + at.a, b + at.b, params, out);
        out += params->walk.row;
        ek_walk_next(&at, &params->walk);
    }
}
