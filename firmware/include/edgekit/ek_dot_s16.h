/* ek_dot_s16.h: the inner loops of CONV_2D and FULLY_CONNECTED on int16 inputs.
 *
 * Products are added up in 32 bits as far as these go, and what they give in 64 bits. */
#ifndef EDGEKIT_EK_DOT_S16_H
#define EDGEKIT_EK_DOT_S16_H

#include <stdint.h>

#include "edgekit/ek_unrolled.h"

/* So many products of an int16 and an int8 surely have a sum of 32 bits: fewer than 2^31 / 2^22. */
#define EK_RUN_S16 508

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)

/* Eight registers hold one input and two rows of weights, not more. */
static inline void ek_dot_1x2_s16(const int16_t *a, const int8_t *w0, const int8_t *w1, int32_t n,
                                  int64_t sums[2])
{
    while (n > 0) {
        int32_t run = n < EK_RUN_S16 ? n : EK_RUN_S16;
        n -= run;
        int32_t s0 = 0, s1 = 0;
        for (; run > 0; run--) {
            const int32_t x = *a++;
            s0 += x * *w0++;
            s1 += x * *w1++;
        }
        sums[0] += s0;
        sums[1] += s1;
    }
}

static inline void ek_dot_2x2_s16(const int16_t *a0, const int16_t *a1, const int8_t *w0,
                                  const int8_t *w1, int32_t n, int64_t sums[4])
{
    ek_dot_1x2_s16(a0, w0, w1, n, sums);
    ek_dot_1x2_s16(a1, w0, w1, n, sums + 2);
}

static inline void ek_dot_1x4_s16(const int16_t *a, const int8_t *w0, const int8_t *w1,
                                  const int8_t *w2, const int8_t *w3, int32_t n, int64_t sums[4])
{
    ek_dot_1x2_s16(a, w0, w1, n, sums);
    ek_dot_1x2_s16(a, w2, w3, n, sums + 2);
}

#else

/* sums[2 * p + o] += sum_i a<p>[i] * w<o>[i] for two inputs and two rows of weights, i < n. */
static inline void ek_dot_2x2_s16(const int16_t *a0, const int16_t *a1, const int8_t *w0,
                                  const int8_t *w1, int32_t n, int64_t sums[4])
{
    while (n > 0) {
        int32_t run = n < EK_RUN_S16 ? n : EK_RUN_S16;
        n -= run;
        int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
#define EK_STEP                                                                                    \
    do {                                                                                           \
        const int32_t x0 = *a0++, x1 = *a1++, v0 = *w0++, v1 = *w1++;                              \
        s00 += x0 * v0;                                                                            \
        s01 += x0 * v1;                                                                            \
        s10 += x1 * v0;                                                                            \
        s11 += x1 * v1;                                                                            \
        EK_MOVED_ON(a0);                                                                           \
        EK_MOVED_ON(a1);                                                                           \
        EK_MOVED_ON(w0);                                                                           \
        EK_MOVED_ON(w1);                                                                           \
    } while (0)
        for (; run >= 4; run -= 4) {
            EK_STEP;
            EK_STEP;
            EK_STEP;
            EK_STEP;
        }
        for (; run > 0; run--) {
            EK_STEP;
        }
#undef EK_STEP
        sums[0] += s00;
        sums[1] += s01;
        sums[2] += s10;
        sums[3] += s11;
    }
}

/* sums[o] += sum_i a[i] * w<o>[i] for four rows of weights, i < n. */
static inline void ek_dot_1x4_s16(const int16_t *a, const int8_t *w0, const int8_t *w1,
                                  const int8_t *w2, const int8_t *w3, int32_t n, int64_t sums[4])
{
    while (n > 0) {
        int32_t run = n < EK_RUN_S16 ? n : EK_RUN_S16;
        n -= run;
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#define EK_STEP                                                                                    \
    do {                                                                                           \
        EK_NOT_A_VECTOR(s0);                                                                       \
        const int32_t x = *a++;                                                                    \
        s0 += x * *w0++;                                                                           \
        s1 += x * *w1++;                                                                           \
        s2 += x * *w2++;                                                                           \
        s3 += x * *w3++;                                                                           \
        EK_MOVED_ON(a);                                                                            \
        EK_MOVED_ON(w0);                                                                           \
        EK_MOVED_ON(w1);                                                                           \
        EK_MOVED_ON(w2);                                                                           \
        EK_MOVED_ON(w3);                                                                           \
    } while (0)
        for (; run >= 4; run -= 4) {
            EK_STEP;
            EK_STEP;
            EK_STEP;
            EK_STEP;
        }
        for (; run > 0; run--) {
            EK_STEP;
        }
#undef EK_STEP
        sums[0] += s0;
        sums[1] += s1;
        sums[2] += s2;
        sums[3] += s3;
    }
}

#endif

#endif
