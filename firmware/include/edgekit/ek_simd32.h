/* ek_simd32.h: Arm's instructions on two 16-bit halves of a register, and what they say in C.
 *
 * Kernels for CPUs that have them are in firmware/kernels/armv7em. Elsewhere the same kernels
 * compile too, which is how their logic is tested on a computer. */
#ifndef EDGEKIT_EK_SIMD32_H
#define EDGEKIT_EK_SIMD32_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_DSP)

#include <arm_acle.h>

/* Two halves of a register: values of 16 bits. */
static inline int32_t ek_pair(int32_t bottom, int32_t top)
{
    int32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(bottom), "r"(top));
    return pair;
}

/* sum + both products of halves. */
static inline int32_t ek_smlad(int32_t a, int32_t b, int32_t sum)
{
    return __smlad(a, b, sum);
}

/* sum + the product of both bottom halves. */
static inline int32_t ek_smlabb(int32_t a, int32_t b, int32_t sum)
{
    return __smlabb(a, b, sum);
}

/* sum + the product of the bottom half of `a` and the top half of `b`. */
static inline int32_t ek_smlabt(int32_t a, int32_t b, int32_t sum)
{
    return __smlabt(a, b, sum);
}

/* round(a * b / 2^32), ties towards +infinity. gcc 12 has no name for SMMULR. */
static inline int32_t ek_smmulr(int32_t a, int32_t b)
{
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* The int8 that is nearest to x. gcc 12 knows its own name for SSAT as one of unsigned values. */
static inline int8_t ek_saturated_s8(int32_t x)
{
    int32_t near;
    __asm__("ssat %0, #8, %1" : "=r"(near) : "r"(x));
    return (int8_t)near;
}

#else

static inline int32_t ek_pair(int32_t bottom, int32_t top)
{
    return (int32_t)(((uint32_t)bottom & 0xffffu) | ((uint32_t)top << 16));
}

static inline int32_t ek_bottom(int32_t pair)
{
    return ek_shift_right((int32_t)((uint32_t)pair << 16), 16);
}

static inline int32_t ek_smlabb(int32_t a, int32_t b, int32_t sum)
{
    return ek_wrapping_add(sum, ek_bottom(a) * ek_bottom(b));
}

static inline int32_t ek_smlabt(int32_t a, int32_t b, int32_t sum)
{
    return ek_wrapping_add(sum, ek_bottom(a) * ek_shift_right(b, 16));
}

static inline int32_t ek_smlad(int32_t a, int32_t b, int32_t sum)
{
    sum = ek_wrapping_add(sum, ek_shift_right(a, 16) * ek_shift_right(b, 16));
    return ek_smlabb(a, b, sum);
}

static inline int32_t ek_smmulr(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

static inline int8_t ek_saturated_s8(int32_t x)
{
    return (int8_t)ek_clamp(x, -128, 127);
}

#endif

/* What ek_requantize_s8 of a small sum needs of its channel. */
typedef struct {
    int32_t multiplier;
    int32_t bits;     /* of the shift to the right */
    int32_t rounding; /* half of 2^bits, and the output's zero point */
} ek_small_requant;

/* Of a channel with these two values in an ek_requant_s8; `zero` is ek_small_zero of that. */
static inline ek_small_requant ek_small_requant_of(int32_t multiplier, int32_t shift, int32_t zero)
{
    const ek_small_requant made = {multiplier, -shift, (int32_t)((uint32_t)zero << (-shift - 1))};
    return made;
}

/* A half and the output's zero point, twice. */
static inline int32_t ek_small_zero(const ek_requant_s8 *r)
{
    return 2 * r->zero_point + 1;
}

/* The output of a sum; `twice` is double the sum. The same as ek_requantize_s8, if sums are small:
 * round(sum * multiplier / 2^31) is round(twice * multiplier / 2^32). Ties of the second rounding
 * go away from zero, or towards +infinity where numbers below 0 lost 1 before. Nothing overflows:
 * |twice| < 2^31 and bits < 24. */
static inline int8_t ek_requantize_small_s8(int32_t twice, const ek_small_requant *r)
{
    const int32_t x = ek_smmulr(twice, r->multiplier);
    return ek_saturated_s8(ek_shift_right(r->rounding + (x + ek_shift_right(x, 31)), r->bits));
}

/* True if ek_requantize_small_s8 serves all channels. */
static inline int32_t ek_all_small(const ek_requant_s8 *r)
{
    return r->small_sums != 0 && r->min == -128 && r->max == 127;
}

#endif
