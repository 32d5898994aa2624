/* ek_neon_pool_2d.h: what pools of int8 share: a walk over all windows, eight channels at a time.
 */
#ifndef EDGEKIT_EK_NEON_POOL_2D_H
#define EDGEKIT_EK_NEON_POOL_2D_H

#include <stdint.h>

#include "edgekit/ek_neon.h"
#include "edgekit/ek_pool_2d.h"

#define EK_ELEMENT int8_t
#include "edgekit/ek_pool_2d_window.h"

/* The outputs of `channels` (1..8) channels of a window; the other places hold anything. */
typedef int8x8_t (*ek_of_window)(const ek_window *window, int32_t channels,
                                 const ek_pool_2d_params *p);

static EK_ALWAYS_INLINE void ek_pool_2d_by_8(const int8_t *in, const ek_pool_2d_params *p,
                                             ek_of_window of_window, int8_t *out)
{
    for (int32_t n = p->batches; n > 0; n--) {
        for (int32_t y = 0; y < p->out_height; y++) {
            for (int32_t x = 0; x < p->out_width; x++) {
                ek_window window = ek_pool_2d_window(in, p, y, x);
                int32_t left = p->in_channels;
                for (; left >= 8; left -= 8) {
                    vst1_s8(out, of_window(&window, 8, p));
                    window.in += 8;
                    out += 8;
                }
                if (left > 0) {
                    ek_store_s8(of_window(&window, left, p), left, out);
                    out += left;
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
}

#endif
