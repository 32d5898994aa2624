/* ek_average_pool_2d_kernel.h: the body of average_pool_2d_s8.c and average_pool_2d_s16.c, which
 * say what EK_ELEMENT is and how EK_KERNEL is called. */
#include "edgekit/ek_pool_2d_window.h"

static EK_ELEMENT average(const ek_window *window, int32_t channels, int32_t in_width)
{
    const int32_t count = window->height * window->width;
    const EK_ELEMENT *row = window->in;
    int32_t sum = 0;
    for (int32_t y = window->height; y > 0; y--) {
        const EK_ELEMENT *in = row;
        for (int32_t x = window->width; x > 0; x--) {
            sum += *in;
            in += channels;
        }
        row += in_width * channels;
    }
    return (EK_ELEMENT)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

void EK_KERNEL(const EK_ELEMENT *in, const ek_pool_2d_params *params, EK_ELEMENT *out)
{
    const ek_pool_2d_params *const p = params;
    for (int32_t n = p->batches; n > 0; n--) {
        for (int32_t y = 0; y < p->out_height; y++) {
            for (int32_t x = 0; x < p->out_width; x++) {
                ek_window window = ek_pool_2d_window(in, p, y, x);
                for (int32_t c = p->in_channels; c > 0; c--) {
                    const EK_ELEMENT value = average(&window, p->in_channels, p->in_width);
                    *out++ = (EK_ELEMENT)(value < p->min   ? p->min
                                          : value > p->max ? p->max
                                                           : value);
                    window.in++;
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
}
