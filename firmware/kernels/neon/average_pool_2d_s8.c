#include "edgekit/ek_average_pool_2d_s8.h"

#include "edgekit/ek_neon.h"
#include "edgekit/ek_requantize.h"

#define EK_ELEMENT int8_t
#include "edgekit/ek_pool_2d_window.h"

/* The averages of `channels` (1..8) channels over a window of pixels that are `pixel` bytes apart,
 * and whose rows are `row` bytes apart. */
static void average(const ek_window *window, int32_t pixel, int32_t row, int32_t channels,
                    const ek_pool_2d_params *p, int8_t *out)
{
    const int32_t count = window->height * window->width;
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (int32_t y = 0; y < window->height; y++) {
        const int8_t *in = window->in + y * row;
        for (int32_t x = window->width; x > 0; x--) {
            const int16x8_t eight = vmovl_s8(ek_load_s8(in, channels));
            low = vaddw_s16(low, vget_low_s16(eight));
            high = vaddw_s16(high, vget_high_s16(eight));
            in += pixel;
        }
    }
    int32_t sums[8];
    vst1q_s32(sums, low);
    vst1q_s32(sums + 4, high);
    for (int32_t c = 0; c < channels; c++) {
        const int32_t half = sums[c] > 0 ? count / 2 : -(count / 2);
        out[c] = (int8_t)ek_clamp((sums[c] + half) / count, p->min, p->max);
    }
}

void ek_average_pool_2d_s8(const int8_t *in, const ek_pool_2d_params *params, int8_t *out)
{
    const ek_pool_2d_params *const p = params;
    const int32_t channels = p->in_channels, row = p->in_width * channels;
    for (int32_t n = p->batches; n > 0; n--) {
        for (int32_t y = 0; y < p->out_height; y++) {
            for (int32_t x = 0; x < p->out_width; x++) {
                ek_window window = ek_pool_2d_window(in, p, y, x);
                for (int32_t left = channels; left > 0; left -= 8) {
                    const int32_t some = left < 8 ? left : 8;
                    average(&window, channels, row, some, p, out);
                    window.in += some;
                    out += some;
                }
            }
        }
        in += p->in_height * row;
    }
}
