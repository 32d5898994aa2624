/* ek_neon_depthwise.h: what kernels of DEPTHWISE_CONV_2D share: eight output channels at a time. */
#ifndef EDGEKIT_EK_NEON_DEPTHWISE_H
#define EDGEKIT_EK_NEON_DEPTHWISE_H

#include <stdint.h>

#include "edgekit/ek_neon_requantize.h"

/* Eight output channels, or all of fewer: then the other places hold what is never written. */
typedef struct {
    int32_t count;       /* 1..8 */
    int32_t first;       /* the output channel in the first place */
    int32_t from[8];     /* the input channel of each */
    int32_t neighbours;  /* 1: these are eight side by side */
    ek_scale_4 scale[2]; /* of the lower four and the upper four */
} ek_channels_8;

/* Those from output channel `o` on, of `outputs`, each `multiplier` of which have one input
 * channel. If fewer than eight are left, some before `o` are among them. */
static inline ek_channels_8 ek_channels_8_of(int32_t o, int32_t outputs, int32_t multiplier,
                                             const int32_t *bias, const ek_requant_s8 *r,
                                             int32_t step)
{
    ek_channels_8 c = {.count = outputs < 8 ? outputs : 8};
    c.first = o < outputs - c.count ? o : outputs - c.count;
    c.neighbours = c.count == 8 && multiplier == 1;
    if (c.neighbours) {
        c.from[0] = c.first;
    } else {
        for (int32_t i = 0; i < 8; i++) {
            c.from[i] = (c.first + (i < c.count ? i : 0)) / multiplier;
        }
    }
    ek_scales scales = {bias + c.first, r->multiplier + c.first * step, r->shift + c.first * step,
                        step, 1};
    int32_t biases[8] = {0}, multipliers[8] = {0};
    int8_t shifts[8] = {0};
    if (c.count < 8) {
        for (int32_t i = 0; i < c.count; i++) {
            biases[i] = bias[i];
            multipliers[i] = r->multiplier[i * step];
            shifts[i] = r->shift[i * step];
        }
        scales = (ek_scales){biases, multipliers, shifts, 1, 1};
    }
    c.scale[0] = ek_scale_4_of(&scales, 0);
    c.scale[1] = ek_scale_4_of(&scales, 4);
    return c;
}

/* The channels of the pixel at `in`; with `neighbours`, `in` is at the first of them. */
static EK_ALWAYS_INLINE int16x8_t ek_pixel_8(const ek_channels_8 *c, const int8_t *in,
                                             int32_t neighbours)
{
    if (neighbours) {
        return vmovl_s8(vld1_s8(in));
    }
    int8_t eight[8];
    for (int32_t i = 0; i < 8; i++) {
        eight[i] = in[c->from[i]];
    }
    return vmovl_s8(vld1_s8(eight));
}

#endif
