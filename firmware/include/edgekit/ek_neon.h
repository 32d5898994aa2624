/* ek_neon.h: what kernels in firmware/kernels/neon need beside the compiler's <arm_neon.h>.
 *
 * They serve 32-bit and 64-bit Arm alike. On a computer of another kind the tests have an
 * <arm_neon.h> of their own that says in C what AArch64's instructions do. */
#ifndef EDGEKIT_EK_NEON_H
#define EDGEKIT_EK_NEON_H

#include <arm_neon.h>
#include <stddef.h>
#include <string.h>

/* Of functions that are written for constants in the place of some arguments. Elsewhere it is for
 * tests, and what the sanitizers make of them would take a minute to compile. */
#if defined(__GNUC__) && (defined(__arm__) || defined(__aarch64__))
#define EK_ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define EK_ALWAYS_INLINE inline
#endif

/* 32 vector registers and pairwise additions of whole ones; else 16. */
#if defined(__arm__)
#define EK_NEON_64 0
#else
#define EK_NEON_64 1
#endif

/* SDOT adds four products of bytes to a sum. */
#if defined(__ARM_FEATURE_DOTPROD)
#define EK_NEON_DOT 1
#else
#define EK_NEON_DOT 0
#endif

/* Products of the upper halves: gcc 12 copies an upper half elsewhere unless it is told not to. */
#if EK_NEON_64
#define ek_mull_high_s8  vmull_high_s8
#define ek_mlal_high_s8  vmlal_high_s8
#define ek_mull_high_s16 vmull_high_s16
#define ek_mlal_high_s16 vmlal_high_s16
#else
#define ek_mull_high_s8(a, b)       vmull_s8(vget_high_s8(a), vget_high_s8(b))
#define ek_mlal_high_s8(sum, a, b)  vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b))
#define ek_mull_high_s16(a, b)      vmull_s16(vget_high_s16(a), vget_high_s16(b))
#define ek_mlal_high_s16(sum, a, b) vmlal_s16(sum, vget_high_s16(a), vget_high_s16(b))
#endif

/* The first `count` (1..8) of eight values; the others are 0, and are not read. */
static inline int8x8_t ek_load_s8(const int8_t *in, int32_t count)
{
    if (count == 8) {
        return vld1_s8(in);
    }
    int8_t eight[8] = {0};
    memcpy(eight, in, (size_t)count);
    return vld1_s8(eight);
}

/* Write the first `count` (1..8) of eight values. */
static inline void ek_store_s8(int8x8_t values, int32_t count, int8_t *out)
{
    if (count == 8) {
        vst1_s8(out, values);
        return;
    }
    int8_t eight[8];
    vst1_s8(eight, values);
    memcpy(out, eight, (size_t)count);
}

#endif
