/* ek_neon_dot.h: the inner loops that CONV_2D and FULLY_CONNECTED share, for NEON.
 *
 * A sum is kept in four parts until all its products are in it. */
#ifndef EDGEKIT_EK_NEON_DOT_H
#define EDGEKIT_EK_NEON_DOT_H

#include <stdint.h>

#include "edgekit/ek_neon.h"
#include "edgekit/ek_neon_requantize.h"

/* Channels are computed four at a time where there are four, else one at a time. */
typedef struct {
    const int8_t *weights; /* of the first one */
    int32_t size;          /* of a row of weights, and of an input: bytes */
    int32_t to_next;       /* bytes from a row to the next; 0: one channel, four times */
    int8x8_t mask;         /* of the bytes that ek_rest loads: -1 for each that is to be counted */
} ek_rows_4;

/* The sums of four channels, each in four parts. */
typedef struct {
    int32x4_t s0, s1, s2, s3;
} ek_sums_4;

/* True if one of `n` weights is -128. */
static inline int32_t ek_has_lowest(const int8_t *weights, int32_t n)
{
    int8x16_t lowest = vdupq_n_s8(0);
    for (; n >= 16; n -= 16) {
        lowest = vminq_s8(lowest, vld1q_s8(weights));
        weights += 16;
    }
    int8_t lanes[16];
    vst1q_s8(lanes, lowest);
    int32_t least = 0;
    for (int32_t i = 0; i < 16; i++) {
        least = lanes[i] < least ? lanes[i] : least;
    }
    for (; n > 0; n--) {
        least = *weights < least ? *weights : least;
        weights++;
    }
    return least == -128;
}

/* Of `channels` rows of `size` bytes. */
static inline ek_rows_4 ek_rows_4_of(const int8_t *weights, int32_t size, int32_t channels)
{
    const int32_t rest = size & 7;
    int8_t mask[8];
    for (int32_t i = 0; i < 8; i++) {
        mask[i] = (size < 8 ? i < rest : i >= 8 - rest) ? -1 : 0;
    }
    const ek_rows_4 rows = {weights, size, channels < 4 ? 0 : size, vld1_s8(mask)};
    return rows;
}

/* The last `n` & 7 bytes of a row of `n`, from `in` on; and others of the row, to be masked. */
static inline int8x8_t ek_rest(const int8_t *in, int32_t n)
{
    if (n >= 8) {
        return vld1_s8(in + (n & 7) - 8);
    }
    int8_t bytes[8] = {0};
    for (int32_t i = 0; i < n; i++) {
        bytes[i] = in[i];
    }
    return vld1_s8(bytes);
}

/* sum + 16 products, in four parts. With `narrow` no w is -128: two products then fit in 16 bits,
 * whatever the inputs are. */
static EK_ALWAYS_INLINE int32x4_t ek_mac_16(int32x4_t sum, int8x16_t a, int8x16_t w, int32_t narrow)
{
#if EK_NEON_DOT
    (void)narrow;
    return vdotq_s32(sum, a, w);
#else
    const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(w));
    return narrow ? vpadalq_s16(sum, ek_mlal_high_s8(low, a, w))
                  : vpadalq_s16(vpadalq_s16(sum, low), ek_mull_high_s8(a, w));
#endif
}

/* sum + 8 products, in four parts. */
static EK_ALWAYS_INLINE int32x4_t ek_mac_8(int32x4_t sum, int8x8_t a, int8x8_t w)
{
#if EK_NEON_DOT
    const int8x8_t none = vdup_n_s8(0);
    return vdotq_s32(sum, vcombine_s8(a, none), vcombine_s8(w, none));
#else
    return vpadalq_s16(sum, vmull_s8(a, w));
#endif
}

static EK_ALWAYS_INLINE void ek_add_16(ek_sums_4 *s, int8x16_t a, const int8x16_t w[4],
                                       int32_t narrow)
{
    s->s0 = ek_mac_16(s->s0, a, w[0], narrow);
    s->s1 = ek_mac_16(s->s1, a, w[1], narrow);
    s->s2 = ek_mac_16(s->s2, a, w[2], narrow);
    s->s3 = ek_mac_16(s->s3, a, w[3], narrow);
}

static EK_ALWAYS_INLINE void ek_add_8(ek_sums_4 *s, int8x8_t a, const int8x8_t w[4])
{
    s->s0 = ek_mac_8(s->s0, a, w[0]);
    s->s1 = ek_mac_8(s->s1, a, w[1]);
    s->s2 = ek_mac_8(s->s2, a, w[2]);
    s->s3 = ek_mac_8(s->s3, a, w[3]);
}

/* The four sums, each whole. */
static EK_ALWAYS_INLINE int32x4_t ek_whole_4(const ek_sums_4 *s)
{
#if EK_NEON_64
    return vpaddq_s32(vpaddq_s32(s->s0, s->s1), vpaddq_s32(s->s2, s->s3));
#else
    const int32x2_t h0 = vadd_s32(vget_low_s32(s->s0), vget_high_s32(s->s0));
    const int32x2_t h1 = vadd_s32(vget_low_s32(s->s1), vget_high_s32(s->s1));
    const int32x2_t h2 = vadd_s32(vget_low_s32(s->s2), vget_high_s32(s->s2));
    const int32x2_t h3 = vadd_s32(vget_low_s32(s->s3), vget_high_s32(s->s3));
    return vcombine_s32(vpadd_s32(h0, h1), vpadd_s32(h2, h3));
#endif
}

/* The sums of `pixels` (1, 2 or 4) inputs and of the four channels from `c` on, without biases. */
static EK_ALWAYS_INLINE void ek_dot_4(const int8_t *const in[], const ek_rows_4 *rows, int32_t c,
                                      int32_t narrow, int32_t pixels, int32x4_t sums[])
{
    const int32_t size = rows->size, to_next = rows->to_next;
    const int8_t *w0 = rows->weights + c * size, *w1 = w0 + to_next, *w2 = w1 + to_next,
                 *w3 = w2 + to_next;
    const int8_t *a0 = in[0], *a1 = in[pixels > 1 ? 1 : 0];
    const int8_t *a2 = in[pixels > 2 ? 2 : 0], *a3 = in[pixels > 2 ? 3 : 0];
    const int32x4_t none = vdupq_n_s32(0);
    ek_sums_4 s0 = {none, none, none, none}, s1 = s0, s2 = s0, s3 = s0;
    for (int32_t n = size >> 4; n > 0; n--) {
        const int8x16_t w[4] = {vld1q_s8(w0), vld1q_s8(w1), vld1q_s8(w2), vld1q_s8(w3)};
        ek_add_16(&s0, vld1q_s8(a0), w, narrow);
        if (pixels > 1) {
            ek_add_16(&s1, vld1q_s8(a1), w, narrow);
        }
        if (pixels > 2) {
            ek_add_16(&s2, vld1q_s8(a2), w, narrow);
            ek_add_16(&s3, vld1q_s8(a3), w, narrow);
        }
        a0 += 16, a1 += 16, a2 += 16, a3 += 16;
        w0 += 16, w1 += 16, w2 += 16, w3 += 16;
    }
    if ((size & 8) != 0) {
        const int8x8_t w[4] = {vld1_s8(w0), vld1_s8(w1), vld1_s8(w2), vld1_s8(w3)};
        ek_add_8(&s0, vld1_s8(a0), w);
        if (pixels > 1) {
            ek_add_8(&s1, vld1_s8(a1), w);
        }
        if (pixels > 2) {
            ek_add_8(&s2, vld1_s8(a2), w);
            ek_add_8(&s3, vld1_s8(a3), w);
        }
        a0 += 8, a1 += 8, a2 += 8, a3 += 8;
        w0 += 8, w1 += 8, w2 += 8, w3 += 8;
    }
    if ((size & 7) != 0) {
        const int8x8_t w[4] = {ek_rest(w0, size), ek_rest(w1, size), ek_rest(w2, size),
                               ek_rest(w3, size)};
        ek_add_8(&s0, vand_s8(ek_rest(a0, size), rows->mask), w);
        if (pixels > 1) {
            ek_add_8(&s1, vand_s8(ek_rest(a1, size), rows->mask), w);
        }
        if (pixels > 2) {
            ek_add_8(&s2, vand_s8(ek_rest(a2, size), rows->mask), w);
            ek_add_8(&s3, vand_s8(ek_rest(a3, size), rows->mask), w);
        }
    }
    sums[0] = ek_whole_4(&s0);
    if (pixels > 1) {
        sums[1] = ek_whole_4(&s1);
    }
    if (pixels > 2) {
        sums[2] = ek_whole_4(&s2);
        sums[3] = ek_whole_4(&s3);
    }
}

#endif
