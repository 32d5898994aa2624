#include "edgekit/ek_mul_s8.h"

static int8_t to_output(int32_t product, int32_t shifts, const ek_output *output)
{
    return ek_to_output_s8(product, ek_shift_right(product, 31) & shifts, output);
}

static void mul_row(const int8_t *a, const int8_t *b, const ek_mul_s8_params *params, int8_t *out)
{
    const ek_mul_s8_params p = *params; /* a copy that stores to `out` cannot change */
    const int32_t shifts = p.output.shift == 0 ? 0 : -1;
    const int8_t *const end = out + p.walk.row;
    if (p.walk.step_a != 0 && p.walk.step_b != 0) {
        while (out < end) {
            const int32_t product = (*a++ - p.zero_point_a) * (*b++ - p.zero_point_b);
            *out++ = to_output(product * (1 << p.left_shift), shifts, &p.output);
        }
        return;
    }
    const int8_t *many = a;
    int32_t zero_point = p.zero_point_a;
    int32_t factor = *b - p.zero_point_b;
    if (p.walk.step_a == 0) {
        many = b;
        zero_point = p.zero_point_b;
        factor = *a - p.zero_point_a;
    }
    factor *= 1 << p.left_shift;
    while (out < end) {
        *out++ = to_output((*many++ - zero_point) * factor, shifts, &p.output);
    }
}

void ek_mul_s8(const int8_t *a, const int8_t *b, const ek_mul_s8_params *params, int8_t *out)
{
    ek_walk_at at = {0};
    for (int32_t rows = params->walk.rows; rows > 0; rows--) {
        mul_row(a + at.a, b + at.b, params, out);
        out += params->walk.row;
        ek_walk_next(&at, &params->walk);
    }
}
