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

#elif defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_UNALIGNED)

/* The steps of both loops are whole pieces of assembly, loads and all: gcc on its own moves loads
 * far ahead, and then runs out of its 14 registers. */

/* Four values of an input as halves of registers, which SMLAD multiplies: 0 and 2, 1 and 3. */
static inline void ek_next_4x8(const int8_t **a, int32_t *even, int32_t *odd)
{
    __asm__("ldr %[odd], [%[a]], #4\n\t"
            "sxtb16 %[even], %[odd]\n\t"
            "sxtb16 %[odd], %[odd], ror #8"
            : [a] "+r"(*a), [even] "=r"(*even), [odd] "=&r"(*odd)
            :
            : "memory");
}

/* *s0 and *s1 += the products of the next four weights with four values of two inputs. */
static inline void ek_mac_2x4_s8(const int8_t **w, int32_t even0, int32_t odd0, int32_t even1,
                                 int32_t odd1, int32_t *s0, int32_t *s1)
{
    int32_t even, odd;
    __asm__("ldr %[odd], [%[w]], #4\n\t"
            "sxtb16 %[even], %[odd]\n\t"
            "sxtb16 %[odd], %[odd], ror #8\n\t"
            "smlad %[s0], %[even], %[even0], %[s0]\n\t"
            "smlad %[s1], %[even], %[even1], %[s1]\n\t"
            "smlad %[s0], %[odd], %[odd0], %[s0]\n\t"
            "smlad %[s1], %[odd], %[odd1], %[s1]"
            : [w] "+&r"(*w), [even] "=&r"(even), [odd] "=&r"(odd), [s0] "+&r"(*s0), [s1] "+&r"(*s1)
            : [even0] "r"(even0), [odd0] "r"(odd0), [even1] "r"(even1), [odd1] "r"(odd1)
            : "memory");
}

/* *sum += the products of the next four weights with four values of an input. */
static inline void ek_mac_4_s8(const int8_t **w, int32_t even_x, int32_t odd_x, int32_t *sum)
{
    int32_t even, odd;
    __asm__("ldr %[odd], [%[w]], #4\n\t"
            "sxtb16 %[even], %[odd]\n\t"
            "sxtb16 %[odd], %[odd], ror #8\n\t"
            "smlad %[sum], %[even], %[even_x], %[sum]\n\t"
            "smlad %[sum], %[odd], %[odd_x], %[sum]"
            : [w] "+&r"(*w), [even] "=&r"(even), [odd] "=&r"(odd), [sum] "+&r"(*sum)
            : [even_x] "r"(even_x), [odd_x] "r"(odd_x)
            : "memory");
}

/* sums[2 * p + o] += sum_i a<p>[i] * w<o>[i] for two inputs and two rows of weights, i < n. */
static inline void ek_dot_2x2_s8(const int8_t *a0, const int8_t *a1, const int8_t *w0,
                                 const int8_t *w1, int32_t n, int32_t sums[4])
{
    int32_t s00 = sums[0], s01 = sums[1], s10 = sums[2], s11 = sums[3];
#define EK_STEP                                                                                    \
    do {                                                                                           \
        int32_t even0, odd0, even1, odd1;                                                          \
        ek_next_4x8(&a0, &even0, &odd0);                                                           \
        ek_next_4x8(&a1, &even1, &odd1);                                                           \
        ek_mac_2x4_s8(&w0, even0, odd0, even1, odd1, &s00, &s10);                                  \
        ek_mac_2x4_s8(&w1, even0, odd0, even1, odd1, &s01, &s11);                                  \
    } while (0)
    const int8_t *const end = a0 + (n & ~3);
    if ((n & 4) != 0) {
        EK_STEP;
    }
    while (a0 != end) {
        EK_STEP;
        EK_STEP;
    }
#undef EK_STEP
    for (n &= 3; n > 0; n--) {
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
#define EK_STEP                                                                                    \
    do {                                                                                           \
        int32_t even, odd;                                                                         \
        ek_next_4x8(&a, &even, &odd);                                                              \
        ek_mac_4_s8(&w0, even, odd, &s0);                                                          \
        ek_mac_4_s8(&w1, even, odd, &s1);                                                          \
        ek_mac_4_s8(&w2, even, odd, &s2);                                                          \
        ek_mac_4_s8(&w3, even, odd, &s3);                                                          \
    } while (0)
    const int8_t *const end = a + (n & ~3);
    if ((n & 4) != 0) {
        EK_STEP;
    }
    while (a != end) {
        EK_STEP;
        EK_STEP;
    }
#undef EK_STEP
    for (n &= 3; n > 0; n--) {
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
