#include "edgekit/ek_max_pool_2d_s8.h"

#include "edgekit/ek_neon_pool_2d.h"

static EK_ALWAYS_INLINE int8x8_t greatest(const ek_window *window, int32_t channels,
                                          const ek_pool_2d_params *p)
{
    const int8_t *row = window->in;
    int8x8_t most = vdup_n_s8((int8_t)p->min);
    for (int32_t y = window->height; y > 0; y--) {
        const int8_t *in = row;
        for (int32_t x = window->width; x > 0; x--) {
            most = vmax_s8(most, ek_load_s8(in, channels));
            in += p->in_channels;
        }
        row += p->in_width * p->in_channels;
    }
    return vmin_s8(most, vdup_n_s8((int8_t)p->max));
}

void ek_max_pool_2d_s8(const int8_t *in, const ek_pool_2d_params *params, int8_t *out)
{
    ek_pool_2d_by_8(in, params, greatest, out);
}
