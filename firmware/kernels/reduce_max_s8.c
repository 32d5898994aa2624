#include "edgekit/ek_reduce_max_s8.h"

static int8_t greatest_of(const int8_t *in, const ek_reduction_loop *loops)
{
    int32_t greatest = INT8_MIN;
    for (int32_t l = loops[0].size; l > 0; l--) {
        const int8_t *plane = in;
        for (int32_t m = loops[1].size; m > 0; m--) {
            const int8_t *row = plane;
            for (int32_t n = loops[2].size; n > 0; n--) {
                greatest = *row > greatest ? *row : greatest;
                row += loops[2].step;
            }
            plane += loops[1].step;
        }
        in += loops[0].step;
    }
    return (int8_t)greatest;
}

void ek_reduce_max_s8(const int8_t *in, const ek_reduce_max_s8_params *params, int8_t *out)
{
    const ek_reduction_loop *const kept = params->kept;
    for (int32_t i = kept[0].size; i > 0; i--) {
        const int8_t *plane = in;
        for (int32_t j = kept[1].size; j > 0; j--) {
            const int8_t *row = plane;
            for (int32_t k = kept[2].size; k > 0; k--) {
                *out++ = greatest_of(row, params->reduced);
                row += kept[2].step;
            }
            plane += kept[1].step;
        }
        in += kept[0].step;
    }
}
