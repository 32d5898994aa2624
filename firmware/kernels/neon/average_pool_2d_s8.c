#include "edgekit/ek_average_pool_2d_s8.h"

#include "edgekit/ek_neon_pool_2d.h"
#include "edgekit/ek_requantize.h"

static EK_ALWAYS_INLINE int8x8_t averages(const ek_window *window, int32_t channels,
                                          const ek_pool_2d_params *p)
{
    const int32_t count = window->height * window->width;
    const int8_t *row = window->in;
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (int32_t y = window->height; y > 0; y--) {
        const int8_t *in = row;
        for (int32_t x = window->width; x > 0; x--) {
            const int16x8_t eight = vmovl_s8(ek_load_s8(in, channels));
            low = vaddw_s16(low, vget_low_s16(eight));
            high = vaddw_s16(high, vget_high_s16(eight));
            in += p->in_channels;
        }
        row += p->in_width * p->in_channels;
    }
    int32_t sums[8];
    int8_t out[8] = {0};
    vst1q_s32(sums, low);
    vst1q_s32(sums + 4, high);
    for (int32_t c = 0; c < channels; c++) {
        const int32_t half = sums[c] > 0 ? count / 2 : -(count / 2);
        out[c] = (int8_t)ek_clamp((sums[c] + half) / count, p->min, p->max);
    }
    return vld1_s8(out);
}

void ek_average_pool_2d_s8(const int8_t *in, const ek_pool_2d_params *params, int8_t *out)
{
    ek_pool_2d_by_8(in, params, averages, out);
}
