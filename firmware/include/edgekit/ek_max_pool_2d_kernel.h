/* ek_max_pool_2d_kernel.h: the body of max_pool_2d_s8.c and max_pool_2d_s16.c, which say what
 * EK_ELEMENT is and how EK_KERNEL is called. */
#include "edgekit/ek_pool_2d_window.h"

/* The greatest of the window's elements and `least`. */
static int32_t greatest(const ek_window *window, int32_t channels, int32_t in_width, int32_t least)
{
    const EK_ELEMENT *row = window->in;
    for (int32_t y = window->height; y > 0; y--) {
        const EK_ELEMENT *in = row;
        for (int32_t x = window->width; x > 0; x--) {
            least = *in > least ? *in : least;
            in += channels;
        }
        row += in_width * channels;
    }
    return least;
}

void EK_KERNEL(const EK_ELEMENT *in, const ek_pool_2d_params *params, EK_ELEMENT *out)
{
    const ek_pool_2d_params *const p = params;
    for (int32_t n = p->batches; n > 0; n--) {
        for (int32_t y = 0; y < p->out_height; y++) {
            for (int32_t x = 0; x < p->out_width; x++) {
                ek_window window = ek_pool_2d_window(in, p, y, x);
                for (int32_t c = p->in_channels; c > 0; c--) {
                    const int32_t value = greatest(&window, p->in_channels, p->in_width, p->min);
                    *out++ = (EK_ELEMENT)(value > p->max ? p->max : value);
                    window.in++;
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
}
