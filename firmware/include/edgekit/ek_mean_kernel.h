/* ek_mean_kernel.h: the body of mean_s8.c and mean_s16.c, which say what EK_ELEMENT,
 * EK_MIN and EK_MAX are and how EK_KERNEL is called. */
#include "edgekit/ek_requantize.h"

static uint32_t sum_of(const EK_ELEMENT *in, const ek_reduction_loop *loops)
{
    uint32_t sum = 0;
    for (int32_t l = loops[0].size; l > 0; l--) {
        const EK_ELEMENT *plane = in;
        for (int32_t m = loops[1].size; m > 0; m--) {
            const EK_ELEMENT *row = plane;
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

void EK_KERNEL(const EK_ELEMENT *in, const ek_mean_params *params, EK_ELEMENT *out)
{
    const ek_reduction_loop *const kept = params->kept;
    for (int32_t i = kept[0].size; i > 0; i--) {
        const EK_ELEMENT *plane = in;
        for (int32_t j = kept[1].size; j > 0; j--) {
            const EK_ELEMENT *row = plane;
            for (int32_t k = kept[2].size; k > 0; k--) {
                const uint32_t sum = (uint32_t)params->bias + sum_of(row, params->reduced);
                const int32_t value =
                    ek_requantize((int32_t)sum, params->multiplier, params->shift);
                const int32_t sought = ek_wrapping_add(value, params->zero_point);
                *out++ = (EK_ELEMENT)ek_clamp(sought, EK_MIN, EK_MAX);
                row += kept[2].step;
            }
            plane += kept[1].step;
        }
        in += kept[0].step;
    }
}
