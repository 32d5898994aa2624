#include "edgekit/ek_fully_connected_s16.h"

#include "edgekit/ek_dot_s16.h"

/* Four outputs at a time; where fewer are left the last one is computed more than once. */
static void one_row(const int16_t *in, const int8_t *weights, const int64_t *bias,
                    const ek_fully_connected_s16_params *p, int16_t *out)
{
    const int32_t n = p->inputs;
    for (int32_t o = 0; o < p->outputs; o += 4) {
        int32_t at[4];
        int64_t sums[4];
        for (int32_t j = 0; j < 4; j++) {
            at[j] = o + j < p->outputs ? o + j : p->outputs - 1;
            sums[j] = bias[at[j]];
        }
        ek_dot_1x4_s16(in, weights + at[0] * n, weights + at[1] * n, weights + at[2] * n,
                       weights + at[3] * n, n, sums);
        for (int32_t j = 0; j < 4; j++) {
            out[at[j]] = ek_requantize_s16(sums[j], &p->requant, at[j] * p->requant_step);
        }
    }
}

void ek_fully_connected_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                            const ek_fully_connected_s16_params *params, int16_t *out)
{
    for (int32_t n = params->rows; n > 0; n--) {
        one_row(in, weights, bias, params, out);
        in += params->inputs;
        out += params->outputs;
    }
}
