#include "edgekit/ek_fully_connected_s8.h"

#include "edgekit/ek_dot_s8.h"
#include "edgekit/ek_simd32.h"

/* Four outputs at a time; where fewer are left the last one is computed more than once. */
static void one_row(const int8_t *in, const int8_t *weights, const int32_t *bias,
                    const ek_fully_connected_s8_params *p, int8_t *out)
{
    const int32_t n = p->inputs;
    for (int32_t o = 0; o < p->outputs; o += 4) {
        int32_t at[4];
        int32_t sums[4] = {0, 0, 0, 0};
        for (int32_t j = 0; j < 4; j++) {
            at[j] = o + j < p->outputs ? o + j : p->outputs - 1;
        }
        ek_dot_1x4_s8(in, weights + at[0] * n, weights + at[1] * n, weights + at[2] * n,
                      weights + at[3] * n, n, sums);
        for (int32_t j = 0; j < 4; j++) {
            out[at[j]] = ek_requantize_s8((uint32_t)sums[j] + (uint32_t)bias[at[j]], &p->requant,
                                          at[j] * p->requant_step);
        }
    }
}

/* The same where sums are small and outputs four or more: the last four are computed together. */
static void one_small_row(const int8_t *in, const int8_t *weights, const int32_t *bias,
                          const ek_fully_connected_s8_params *p, int8_t *out)
{
    const int32_t *multiplier = p->requant.multiplier;
    const int8_t *shift = p->requant.shift;
    const int32_t n = p->inputs, step = p->requant_step, zero = ek_small_zero(&p->requant);
    for (int32_t left = p->outputs - 4;; left -= 4) {
        int32_t sums[4] = {bias[0], bias[1], bias[2], bias[3]};
        ek_dot_1x4_s8(in, weights, weights + n, weights + 2 * n, weights + 3 * n, n, sums);
        for (int32_t j = 0; j < 4; j++) {
            const ek_small_requant r = ek_small_requant_of(*multiplier, *shift, zero);
            out[j] = ek_requantize_small_s8(2 * sums[j], &r);
            multiplier += step;
            shift += step;
        }
        if (left <= 0) {
            return;
        }
        const int32_t back = left < 4 ? 4 - left : 0; /* computed again, for want of others */
        bias += 4 - back;
        multiplier -= back * step;
        shift -= back * step;
        weights += (4 - back) * n;
        out += 4 - back;
    }
}

void ek_fully_connected_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                           const ek_fully_connected_s8_params *params, int8_t *out)
{
    const int32_t small = params->outputs >= 4 && ek_all_small(&params->requant);
    for (int32_t n = params->rows; n > 0; n--) {
        (small ? one_small_row : one_row)(in, weights, bias, params, out);
        in += params->inputs;
        out += params->outputs;
    }
}
