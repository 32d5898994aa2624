#include "edgekit/ek_fully_connected_s8.h"

#include "edgekit/ek_neon_dot.h"

void ek_fully_connected_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                           const ek_fully_connected_s8_params *params, int8_t *out)
{
    const ek_requant_s8 *const r = &params->requant;
    const int32_t together = params->outputs < 4 ? 1 : 4, last = params->outputs - together;
    const ek_rows_4 rows = ek_rows_4_of(weights, params->inputs, params->outputs);
    const ek_range_8 range = ek_range_8_of(r);
    const ek_scales scales = {bias, r->multiplier, r->shift, params->requant_step,
                              params->outputs >= 4};
    for (int32_t n = params->rows; n > 0; n--) {
        for (int32_t o = 0;;) {
            int32x4_t sum;
            ek_dot_4(&in, &rows, o, 0, 1, &sum);
            const ek_scale_4 scale = ek_scale_4_of(&scales, o);
            const int32x4_t scaled = ek_requantize_4(sum, &scale);
            ek_store_2x4(ek_outputs_8(scaled, scaled, &range), scales.four, out + o, out + o);
            if (o == last) {
                break;
            }
            o = o + together < last ? o + together : last; /* some may come again */
        }
        in += rows.size;
        out += params->outputs;
    }
}
