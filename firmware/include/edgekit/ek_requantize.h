/* ek_requantize.h: int32 accumulator to output scale, in integers, rounded twice.
 *
 * Bit for bit the rounding of TFLite Micro's reference kernels (its default build). The Python
 * twin is edgekit/ops/fixed_point.py. */
#ifndef EDGEKIT_EK_REQUANTIZE_H
#define EDGEKIT_EK_REQUANTIZE_H

#include <stdint.h>

/* 1 where the CPU has no instruction for the high half of a 32x32-bit product. */
#ifndef EK_NO_LONG_MULTIPLY
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(__XTENSA__)
#define EK_NO_LONG_MULTIPLY 1
#else
#define EK_NO_LONG_MULTIPLY 0
#endif
#endif

/* Arithmetic shift right; every compiler that edgekit builds with shifts the sign in. */
static inline int32_t ek_shift_right(int32_t x, int32_t bits)
{
    return x >> bits;
}

/* round(a * b / 2^31), ties towards +infinity.
 * Precondition: 0 <= b < 2^31. */
static inline int32_t ek_doubling_high_mul(int32_t a, int32_t b)
{
#if EK_NO_LONG_MULTIPLY
    /* Four 16x16-bit products; a = a1 * 2^16 + a0 with a0 unsigned, likewise b. The lowest 16 bits
     * of the product cannot carry into the result, since 2^30 is a multiple of 2^16. */
    const int32_t a1 = ek_shift_right(a, 16);
    const uint32_t a0 = (uint32_t)a & 0xffffu;
    const int32_t b1 = ek_shift_right(b, 16);
    const uint32_t b0 = (uint32_t)b & 0xffffu;
    const int32_t cross = a1 * (int32_t)b0;                       /* > -2^31 */
    const uint32_t inner = a0 * (uint32_t)b1 + ((a0 * b0) >> 16); /* < 2^31 + 2^16 */
    const uint32_t middle = ((uint32_t)cross & 0xffffu) + (inner & 0xffffu);
    const uint32_t high = (uint32_t)(a1 * b1) + (uint32_t)ek_shift_right(cross, 16) + (inner >> 16);
    return (int32_t)((high << 1) + ((middle + 0x4000u) >> 15));
#else
    return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
#endif
}

/* round(x / 2^bits), ties away from zero.
 * Precondition: 0 <= bits <= 31, |x| < 2^31 - 1, as of all that ek_doubling_high_mul gives. */
static inline int32_t ek_rounding_shift_right(int32_t x, int32_t bits)
{
    if (bits == 0) {
        return x;
    }
    x += ek_shift_right(x, 31); /* now ties towards +infinity is the same */
    return ek_shift_right(ek_shift_right(x, bits - 1) + 1, 1);
}

/* acc * multiplier * 2^(shift - 31), rounded twice.
 * Precondition: 0 <= multiplier < 2^31, -31 <= shift <= 30. A left shift wraps at 32 bits. */
static inline int32_t ek_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return ek_doubling_high_mul((int32_t)((uint32_t)acc << shift), multiplier);
    }
    return ek_rounding_shift_right(ek_doubling_high_mul(acc, multiplier), -shift);
}

/* a + b, which wraps at 32 bits: accumulators close to the limits may pass them when the output's
 * zero point is added, and TFLite Micro's then come out at the other end. */
static inline int32_t ek_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t ek_clamp(int32_t x, int32_t min, int32_t max)
{
    x = x < min ? min : x;
    return x > max ? max : x;
}

/* How the int32 accumulators of C channels become int8 outputs. */
typedef struct {
    const int32_t *multiplier; /* [C], 0 or 2^30..2^31-1 */
    const int8_t *shift;       /* [C], -31..30, positive shifts left */
    int32_t zero_point;        /* of the output, -128..127 */
    int32_t min, max;          /* fused activation, -128 <= min <= max <= 127 */
    /* 1 if surely every accumulator is less than 2^30 in magnitude and every shift -23..-1,
     * whatever the inputs: then faster ways to the same outputs serve; else 0 */
    int32_t small_sums;
} ek_requant_s8;

/* The int8 output of channel `c`. */
static inline int8_t ek_requantize_s8(uint32_t acc, const ek_requant_s8 *r, int32_t c)
{
    const int32_t x = ek_requantize((int32_t)acc, r->multiplier[c], r->shift[c]);
    return (int8_t)ek_clamp(ek_wrapping_add(x, r->zero_point), r->min, r->max);
}

#endif
