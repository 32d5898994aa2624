/* ek_dot_s8.h: the inner loops that CONV_2D and FULLY_CONNECTED share.
 *
 * Each computes several sums at once, so that a value that was loaded serves more than one.
 * Sums are signed, which lets compilers keep one accumulator for each, and cannot overflow while
 * they have fewer than 2^16 terms. */
#ifndef EDGEKIT_EK_DOT_S8_H
#define EDGEKIT_EK_DOT_S8_H

#include <stdint.h>

#include "edgekit/ek_unrolled.h"

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)

/* Eight registers hold one input and two rows of weights, not more. Counting up to 0 saves a
 * comparison, and one index serves all three.
 * Precondition: n > 0. */
static inline void ek_dot_1x2_s8(const int8_t *a, const int8_t *w0, const int8_t *w1, int32_t n,
                                 int32_t sums[2])
{
    int32_t s0 = sums[0], s1 = sums[1];
    a += n;
    w0 += n;
    w1 += n;
    int32_t i = -n;
    do {
        const int32_t x = a[i];
        s0 += x * w0[i];
        s1 += x * w1[i];
        i++;
    } while (i < 0);
    sums[0] = s0;
    sums[1] = s1;
}

static inline void ek_dot_2x2_s8(const int8_t *a0, const int8_t *a1, const int8_t *w0,
                                 const int8_t *w1, int32_t n, int32_t sums[4])
{
    ek_dot_1x2_s8(a0, w0, w1, n, sums);
    ek_dot_1x2_s8(a1, w0, w1, n, sums + 2);
}

static inline void ek_dot_1x4_s8(const int8_t *a, const int8_t *w0, const int8_t *w1,
                                 const int8_t *w2, const int8_t *w3, int32_t n, int32_t sums[4])
{
    ek_dot_1x2_s8(a, w0, w1, n, sums);
    ek_dot_1x2_s8(a, w2, w3, n, sums + 2);
}

#elif defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32)

#include <arm_acle.h>
#include <string.h>

/* Four values at any address. */
static inline int32_t ek_load_4x8(const int8_t *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Values 0 and 2 of four, each as half a register: what SMLAD multiplies. */
static inline int32_t ek_even_s8(int32_t four)
{
    return __sxtb16(four);
}

/* Values 1 and 3. gcc 12 has no name for the rotation that SXTB16 does on the way. */
static inline int32_t ek_odd_s8(int32_t four)
{
    int32_t two;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(two) : "r"(four));
    return two;
}

/* sums[2 * p + o] += sum_i a<p>[i] * w<o>[i] for two inputs and two rows of weights, i < n. */
static inline void ek_dot_2x2_s8(const int8_t *a0, const int8_t *a1, const int8_t *w0,
                                 const int8_t *w1, int32_t n, int32_t sums[4])
{
    int32_t s00 = sums[0], s01 = sums[1], s10 = sums[2], s11 = sums[3];
    for (; n >= 4; n -= 4) {
        const int32_t x0 = ek_load_4x8(a0), x1 = ek_load_4x8(a1);
        const int32_t even0 = ek_even_s8(x0), odd0 = ek_odd_s8(x0);
        const int32_t even1 = ek_even_s8(x1), odd1 = ek_odd_s8(x1);
        const int32_t v0 = ek_load_4x8(w0);
        const int32_t even_v0 = ek_even_s8(v0), odd_v0 = ek_odd_s8(v0);
        s00 = __smlad(odd0, odd_v0, __smlad(even0, even_v0, s00));
        s10 = __smlad(odd1, odd_v0, __smlad(even1, even_v0, s10));
        const int32_t v1 = ek_load_4x8(w1);
        const int32_t even_v1 = ek_even_s8(v1), odd_v1 = ek_odd_s8(v1);
        s01 = __smlad(odd0, odd_v1, __smlad(even0, even_v1, s01));
        s11 = __smlad(odd1, odd_v1, __smlad(even1, even_v1, s11));
        a0 += 4;
        a1 += 4;
        w0 += 4;
        w1 += 4;
    }
    for (; n > 0; n--) {
        const int32_t x0 = *a0++, x1 = *a1++, v0 = *w0++, v1 = *w1++;
        s00 += x0 * v0;
        s01 += x0 * v1;
        s10 += x1 * v0;
        s11 += x1 * v1;
    }
    sums[0] = s00;
    sums[1] = s01;
    sums[2] = s10;
    sums[3] = s11;
}

/* sums[o] += sum_i a[i] * w<o>[i] for four rows of weights, i < n. */
static inline void ek_dot_1x4_s8(const int8_t *a, const int8_t *w0, const int8_t *w1,
                                 const int8_t *w2, const int8_t *w3, int32_t n, int32_t sums[4])
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (; n >= 4; n -= 4) {
        const int32_t x = ek_load_4x8(a);
        const int32_t even = ek_even_s8(x), odd = ek_odd_s8(x);
        const int32_t v0 = ek_load_4x8(w0);
        s0 = __smlad(odd, ek_odd_s8(v0), __smlad(even, ek_even_s8(v0), s0));
        const int32_t v1 = ek_load_4x8(w1);
        s1 = __smlad(odd, ek_odd_s8(v1), __smlad(even, ek_even_s8(v1), s1));
        const int32_t v2 = ek_load_4x8(w2);
        s2 = __smlad(odd, ek_odd_s8(v2), __smlad(even, ek_even_s8(v2), s2));
        const int32_t v3 = ek_load_4x8(w3);
        s3 = __smlad(odd, ek_odd_s8(v3), __smlad(even, ek_even_s8(v3), s3));
        a += 4;
        w0 += 4;
        w1 += 4;
        w2 += 4;
        w3 += 4;
        EK_MOVED_ON(a);
        EK_MOVED_ON(w0);
        EK_MOVED_ON(w1);
        EK_MOVED_ON(w2);
        EK_MOVED_ON(w3);
    }
    for (; n > 0; n--) {
        const int32_t x = *a++;
        s0 += x * *w0++;
        s1 += x * *w1++;
        s2 += x * *w2++;
        s3 += x * *w3++;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

#else

/* sums[2 * p + o] += sum_i a<p>[i] * w<o>[i] for two inputs and two rows of weights, i < n. */
static inline void ek_dot_2x2_s8(const int8_t *a0, const int8_t *a1, const int8_t *w0,
                                 const int8_t *w1, int32_t n, int32_t sums[4])
{
    int32_t s00 = sums[0], s01 = sums[1], s10 = sums[2], s11 = sums[3];
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
    for (; n >= 4; n -= 4) {
        EK_STEP;
        EK_STEP;
        EK_STEP;
        EK_STEP;
    }
    for (; n > 0; n--) {
        EK_STEP;
    }
#undef EK_STEP
    sums[0] = s00;
    sums[1] = s01;
    sums[2] = s10;
    sums[3] = s11;
}

/* sums[o] += sum_i a[i] * w<o>[i] for four rows of weights, i < n. */
static inline void ek_dot_1x4_s8(const int8_t *a, const int8_t *w0, const int8_t *w1,
                                 const int8_t *w2, const int8_t *w3, int32_t n, int32_t sums[4])
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
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
    for (; n >= 4; n -= 4) {
        EK_STEP;
        EK_STEP;
        EK_STEP;
        EK_STEP;
    }
    for (; n > 0; n--) {
        EK_STEP;
    }
#undef EK_STEP
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

#endif

#endif
