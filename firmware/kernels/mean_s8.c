#include "edgekit/ek_mean_s8.h"

#include "edgekit/ek_requantize.h"

static uint32_t sum_of(const int8_t *in, const ek_mean_loop *loops)
{
    uint32_t sum = 0;
    for (int32_t l = loops[0].size; l > 0; l--) {
        const int8_t *plane = in;
        for (int32_t m = loops[1].size; m > 0; m--) {
            const int8_t *row = plane;
            for (int32_t n = loops[2].size; n > 0; n--) {
                const int32_t value = *row;
                sum += (uint32_t)value;
                row += loops[2].step;
            }
            plane += loops[1].step;
        }
        in += loops[0].step;
    }
    return sum;
}

void ek_mean_s8(const int8_t *in, const ek_mean_s8_params *params, int8_t *out)
{
    const ek_mean_loop *const kept = params->kept;
    for (int32_t i = kept[0].size; i > 0; i--) {
        const int8_t *plane = in;
        for (int32_t j = kept[1].size; j > 0; j--) {
            const int8_t *row = plane;
            for (int32_t k = kept[2].size; k > 0; k--) {
                const uint32_t sum = (uint32_t)params->bias + sum_of(row, params->reduced);
                const int32_t value =
                    ek_requantize((int32_t)sum, params->multiplier, params->shift);
                const int32_t sought = ek_wrapping_add(value, params->zero_point);
                *out++ = (int8_t)ek_clamp(sought, INT8_MIN, INT8_MAX);
                row += kept[2].step;
            }
            plane += kept[1].step;
        }
        in += kept[0].step;
    }
}
