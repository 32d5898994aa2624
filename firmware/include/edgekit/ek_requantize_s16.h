/* ek_requantize_s16.h: a 64-bit sum of products of int16 and int8 to an int16 output.
 *
 * Bit for bit what TFLite Micro makes of such sums. The Python twin is edgekit/ops/fixed_point.py.
 */
#ifndef EDGEKIT_EK_REQUANTIZE_S16_H
#define EDGEKIT_EK_REQUANTIZE_S16_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

/* acc * multiplier / 2^shift, rounded once, ties towards +infinity; the low 32 bits of it.
 * Precondition: |acc| < 2^47, 0 <= multiplier < 2^15, 8 <= shift <= 46. */
static inline int32_t ek_requantize_wide(int64_t acc, int32_t multiplier, int32_t shift)
{
    const int64_t twice = (acc * (int64_t)(uint32_t)multiplier) >> (shift - 1);
    return (int32_t)((twice + 1) >> 1);
}

/* How the sums of C channels become int16 outputs.
 *
 * narrow 0, as TFLite Micro does with a bias of int64 or none: ek_requantize_wide.
 * narrow 1, as it does with a bias of int32: the sum wraps at 32 bits, then ek_requantize. */
typedef struct {
    const int32_t *multiplier; /* [C], of the one or the other */
    const int8_t *shift;       /* [C], likewise */
    int32_t narrow;
    int32_t min, max; /* fused activation, -32768 <= min <= max <= 32767 */
} ek_requant_s16;

/* The int16 output of a channel with this multiplier and shift. */
static inline int16_t ek_sum_to_s16(int64_t acc, int32_t multiplier, int32_t shift,
                                    const ek_requant_s16 *r)
{
    const int32_t x = r->narrow ? ek_requantize((int32_t)(uint32_t)(uint64_t)acc, multiplier, shift)
                                : ek_requantize_wide(acc, multiplier, shift);
    return (int16_t)ek_clamp(x, r->min, r->max);
}

/* The int16 output of channel `c`. */
static inline int16_t ek_requantize_s16(int64_t acc, const ek_requant_s16 *r, int32_t c)
{
    return ek_sum_to_s16(acc, r->multiplier[c], r->shift[c], r);
}

#endif
