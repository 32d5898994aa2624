/* ek_neon_requantize.h: ek_requantize.h for the sums of several channels at once. */
#ifndef EDGEKIT_EK_NEON_REQUANTIZE_H
#define EDGEKIT_EK_NEON_REQUANTIZE_H

#include <stdint.h>
#include <string.h>

#include "edgekit/ek_neon.h"
#include "edgekit/ek_requantize.h"

/* How the sums of four channels become outputs. */
typedef struct {
    int32x4_t bias;
    int32x4_t multiplier;
    int32x4_t left;  /* bits, 0..30 */
    int32x4_t right; /* minus bits, -31..0; one of the two is 0 */
} ek_scale_4;

/* What all outputs have in common. */
typedef struct {
    int32x4_t zero_point;
    int8x8_t min, max;
} ek_range_8;

static inline ek_range_8 ek_range_8_of(const ek_requant_s8 *r)
{
    const ek_range_8 range = {vdupq_n_s32(r->zero_point), vdup_n_s8((int8_t)r->min),
                              vdup_n_s8((int8_t)r->max)};
    return range;
}

/* Of a layer's channels. */
typedef struct {
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t step; /* of multiplier and shift, from a channel to the next: 0 or 1 */
    int32_t four; /* 1: four channels; 0: one, in all four places */
} ek_scales;

/* Of channel `c`, or of those four from it on. */
static inline ek_scale_4 ek_scale_4_of(const ek_scales *s, int32_t c)
{
    const int32_t at = c * s->step;
    ek_scale_4 scale;
    int32x4_t shifts;
    scale.bias = s->four ? vld1q_s32(s->bias + c) : vdupq_n_s32(s->bias[c]);
    if (s->four && s->step != 0) {
        int32_t bytes;
        memcpy(&bytes, s->shift + at, 4);
        const int8x8_t lanes = vreinterpret_s8_s32(vdup_n_s32(bytes));
        shifts = vmovl_s16(vget_low_s16(vmovl_s8(lanes)));
        scale.multiplier = vld1q_s32(s->multiplier + at);
    } else {
        shifts = vdupq_n_s32(s->shift[at]);
        scale.multiplier = vdupq_n_s32(s->multiplier[at]);
    }
    scale.left = vmaxq_s32(shifts, vdupq_n_s32(0));
    scale.right = vminq_s32(shifts, vdupq_n_s32(0));
    return scale;
}

/* ek_requantize of four sums and their biases. VQRDMULH rounds as ek_doubling_high_mul does, and
 * saturates only what no multiplier of ours makes: -2^31 * -2^31. VRSHL rounds ties towards
 * +infinity, without overflow; where it shifts, 1 is taken from negative numbers before, as
 * ek_rounding_shift_right does. */
static inline int32x4_t ek_requantize_4(int32x4_t sums, const ek_scale_4 *scale)
{
    sums = vaddq_s32(sums, scale->bias);
    int32x4_t x = vqrdmulhq_s32(vshlq_s32(sums, scale->left), scale->multiplier);
    x = vsraq_n_s32(x, vandq_s32(x, scale->right), 31);
    return vrshlq_s32(x, scale->right);
}

/* The outputs of eight scaled sums: the zero point's addition wraps, as ek_wrapping_add does. */
static inline int8x8_t ek_outputs_8(int32x4_t low, int32x4_t high, const ek_range_8 *range)
{
    low = vaddq_s32(low, range->zero_point);
    high = vaddq_s32(high, range->zero_point);
    const int8x8_t near = vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
    return vmin_s8(vmax_s8(near, range->min), range->max);
}

/* Write the outputs of four channels to each of two places, or, unless `four`, of one. */
static inline void ek_store_2x4(int8x8_t eight, int32_t four, int8_t *out0, int8_t *out1)
{
    const int32x2_t fours = vreinterpret_s32_s8(eight);
    const int32_t first = vget_lane_s32(fours, 0), second = vget_lane_s32(fours, 1);
    if (four) {
        memcpy(out0, &first, 4);
        memcpy(out1, &second, 4);
    } else {
        *out0 = (int8_t)first;
        *out1 = (int8_t)second;
    }
}

#endif
