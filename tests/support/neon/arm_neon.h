/* arm_neon.h for computers that have no NEON: the intrinsics that edgekit's kernels use, in C.
 *
 * So the sanitizers see each byte that is read or written. What they compute is as Arm's "Neon
 * Intrinsics Reference" says; that it is so on real instructions is tested in QEMU. */
#ifndef TESTS_ARM_NEON_H
#define TESTS_ARM_NEON_H

#include <stdint.h>
#include <string.h>

#define VECTOR(element, lanes, name)                                                               \
    typedef struct {                                                                               \
        element v[lanes];                                                                          \
    } name

VECTOR(int8_t, 8, int8x8_t);
VECTOR(int8_t, 16, int8x16_t);
VECTOR(int16_t, 4, int16x4_t);
VECTOR(int16_t, 8, int16x8_t);
VECTOR(int32_t, 2, int32x2_t);
VECTOR(int32_t, 4, int32x4_t);

typedef struct {
    int8x8_t val[3];
} int8x8x3_t;

/* A function whose lane `i` is `lane`. */
#define FUNCTION(result, name, parameters, lane)                                                   \
    static inline result name parameters                                                           \
    {                                                                                              \
        result r;                                                                                  \
        for (unsigned i = 0; i < sizeof r.v / sizeof r.v[0]; i++) {                                \
            r.v[i] = lane;                                                                         \
        }                                                                                          \
        return r;                                                                                  \
    }

/* What a sum, a product or a shift leaves in 16 or 32 bits. */
static inline int16_t low_16(int64_t x)
{
    return (int16_t)(uint16_t)(uint64_t)x;
}

static inline int32_t low_32(int64_t x)
{
    return (int32_t)(uint32_t)(uint64_t)x;
}

static inline int64_t nearest(int64_t x, int64_t min, int64_t max)
{
    return x < min ? min : x > max ? max : x;
}

/* x * 2^bits, the fraction cut off after `rounding` halves of its last place are added. */
static inline int64_t shifted(int64_t x, int32_t bits, int32_t rounding)
{
    if (bits >= 0) {
        return (int64_t)((uint64_t)x << bits);
    }
    return ((x >> (-bits - 1)) + rounding) >> 1;
}

FUNCTION(int8x8_t, vld1_s8, (const int8_t *p), p[i])
FUNCTION(int8x16_t, vld1q_s8, (const int8_t *p), p[i])
FUNCTION(int32x4_t, vld1q_s32, (const int32_t *p), p[i])
FUNCTION(int8x8_t, vdup_n_s8, (int8_t x), x)
FUNCTION(int8x16_t, vdupq_n_s8, (int8_t x), x)
FUNCTION(int16x8_t, vdupq_n_s16, (int16_t x), x)
FUNCTION(int32x2_t, vdup_n_s32, (int32_t x), x)
FUNCTION(int32x4_t, vdupq_n_s32, (int32_t x), x)

FUNCTION(int8x8_t, vget_low_s8, (int8x16_t a), a.v[i])
FUNCTION(int16x4_t, vget_low_s16, (int16x8_t a), a.v[i])
FUNCTION(int16x4_t, vget_high_s16, (int16x8_t a), a.v[i + 4])
FUNCTION(int16x8_t, vcombine_s16, (int16x4_t a, int16x4_t b), i < 4 ? a.v[i] : b.v[i - 4])
FUNCTION(int16x8_t, vmovl_s8, (int8x8_t a), a.v[i])
FUNCTION(int32x4_t, vmovl_s16, (int16x4_t a), a.v[i])
FUNCTION(int16x4_t, vqmovn_s32, (int32x4_t a), (int16_t)nearest(a.v[i], INT16_MIN, INT16_MAX))
FUNCTION(int8x8_t, vqmovn_s16, (int16x8_t a), (int8_t)nearest(a.v[i], INT8_MIN, INT8_MAX))

FUNCTION(int8x8_t, vand_s8, (int8x8_t a, int8x8_t b), (int8_t)(a.v[i] & b.v[i]))
FUNCTION(int32x4_t, vandq_s32, (int32x4_t a, int32x4_t b), a.v[i] & b.v[i])
FUNCTION(int8x8_t, vmin_s8, (int8x8_t a, int8x8_t b), a.v[i] < b.v[i] ? a.v[i] : b.v[i])
FUNCTION(int8x8_t, vmax_s8, (int8x8_t a, int8x8_t b), a.v[i] > b.v[i] ? a.v[i] : b.v[i])
FUNCTION(int8x16_t, vminq_s8, (int8x16_t a, int8x16_t b), a.v[i] < b.v[i] ? a.v[i] : b.v[i])
FUNCTION(int32x4_t, vminq_s32, (int32x4_t a, int32x4_t b), a.v[i] < b.v[i] ? a.v[i] : b.v[i])
FUNCTION(int32x4_t, vmaxq_s32, (int32x4_t a, int32x4_t b), a.v[i] > b.v[i] ? a.v[i] : b.v[i])

FUNCTION(int16x8_t, vaddq_s16, (int16x8_t a, int16x8_t b), low_16(a.v[i] + b.v[i]))
FUNCTION(int32x4_t, vaddq_s32, (int32x4_t a, int32x4_t b), low_32((int64_t)a.v[i] + b.v[i]))
FUNCTION(int16x8_t, vsubq_s16, (int16x8_t a, int16x8_t b), low_16(a.v[i] - b.v[i]))
FUNCTION(int32x4_t, vsubq_s32, (int32x4_t a, int32x4_t b), low_32((int64_t)a.v[i] - b.v[i]))
FUNCTION(int32x4_t, vaddw_s16, (int32x4_t sum, int16x4_t a), low_32((int64_t)sum.v[i] + a.v[i]))
FUNCTION(int32x4_t, vmlaq_s32, (int32x4_t sum, int32x4_t a, int32x4_t b),
         low_32(sum.v[i] + (int64_t)a.v[i] * b.v[i]))
FUNCTION(int32x4_t, vpaddq_s32, (int32x4_t a, int32x4_t b),
         i < 2 ? low_32((int64_t)a.v[2 * i] + a.v[2 * i + 1])
               : low_32((int64_t)b.v[2 * i - 4] + b.v[2 * i - 3]))
FUNCTION(int32x4_t, vpadalq_s16, (int32x4_t sum, int16x8_t a),
         low_32((int64_t)sum.v[i] + a.v[2 * i] + a.v[2 * i + 1]))

FUNCTION(int16x8_t, vmull_s8, (int8x8_t a, int8x8_t b), (int16_t)(a.v[i] * b.v[i]))
FUNCTION(int16x8_t, vmull_high_s8, (int8x16_t a, int8x16_t b), (int16_t)(a.v[i + 8] * b.v[i + 8]))
FUNCTION(int16x8_t, vmlal_high_s8, (int16x8_t sum, int8x16_t a, int8x16_t b),
         low_16(sum.v[i] + a.v[i + 8] * b.v[i + 8]))
FUNCTION(int32x4_t, vmull_s16, (int16x4_t a, int16x4_t b), a.v[i] * b.v[i])
FUNCTION(int32x4_t, vmull_n_s16, (int16x4_t a, int16_t b), a.v[i] * b)
FUNCTION(int32x4_t, vmlal_s16, (int32x4_t sum, int16x4_t a, int16x4_t b),
         low_32((int64_t)sum.v[i] + a.v[i] * b.v[i]))
FUNCTION(int32x4_t, vmull_high_s16, (int16x8_t a, int16x8_t b), a.v[i + 4] * b.v[i + 4])
FUNCTION(int32x4_t, vmlal_high_s16, (int32x4_t sum, int16x8_t a, int16x8_t b),
         low_32((int64_t)sum.v[i] + a.v[i + 4] * b.v[i + 4]))

FUNCTION(int32x4_t, vqrdmulhq_s32, (int32x4_t a, int32x4_t b),
         (int32_t)nearest(((int64_t)a.v[i] * b.v[i] + (1 << 30)) >> 31, INT32_MIN, INT32_MAX))
FUNCTION(int32x4_t, vshlq_s32, (int32x4_t a, int32x4_t bits), low_32(shifted(a.v[i], bits.v[i], 0)))
FUNCTION(int32x4_t, vshlq_n_s32, (int32x4_t a, int32_t bits), low_32(shifted(a.v[i], bits, 0)))
FUNCTION(int32x4_t, vrshlq_s32, (int32x4_t a, int32x4_t bits),
         low_32(shifted(a.v[i], bits.v[i], 1)))
FUNCTION(int32x4_t, vsraq_n_s32, (int32x4_t sum, int32x4_t a, int32_t bits),
         low_32((int64_t)sum.v[i] + shifted(a.v[i], -bits, 0)))

static inline void vst1_s8(int8_t *p, int8x8_t a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline void vst1q_s8(int8_t *p, int8x16_t a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline void vst1q_s32(int32_t *p, int32x4_t a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline int8x8x3_t vld3_s8(const int8_t *p)
{
    int8x8x3_t r;
    for (unsigned i = 0; i < 24; i++) {
        r.val[i % 3].v[i / 3] = p[i];
    }
    return r;
}

static inline int32_t vget_lane_s32(int32x2_t a, int32_t lane)
{
    return a.v[lane];
}

static inline int8x8_t vreinterpret_s8_s32(int32x2_t a)
{
    int8x8_t r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
}

static inline int32x2_t vreinterpret_s32_s8(int8x8_t a)
{
    int32x2_t r;
    memcpy(r.v, a.v, sizeof r.v);
    return r;
}

#endif
