/* ek_interpolated.h: functions between the points of a table. */
#ifndef EDGEKIT_EK_INTERPOLATED_H
#define EDGEKIT_EK_INTERPOLATED_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

#define EK_LOGISTIC_POINTS 256

typedef struct {
    int32_t multiplier; /* 3..32767 */
    int32_t half;       /* 2^(shift-1); 0 if shift is 0 */
    int32_t shift;      /* to the right, 0..31 */
} ek_argument;

/* in * multiplier / 2^shift, ties towards +infinity: in steps of the table that its user splits. */
static inline int32_t ek_argument_of(int32_t in, const ek_argument *a)
{
    return ek_shift_right(in * a->multiplier + a->half, a->shift);
}

/* The table at |x| / 2^bits, times 2^bits; `saturated` stands for its last point and all beyond.
 *
 * table [EK_LOGISTIC_POINTS]: 1 / (1 + exp(-i / 24)) - 1/2 in Q0.16 */
static inline int32_t ek_interpolate_logistic(int32_t x, int32_t bits, int32_t saturated,
                                              const int16_t *table)
{
    const int32_t magnitude = x < 0 ? -x : x;
    const int32_t i = ek_shift_right(magnitude, bits);
    if (i >= EK_LOGISTIC_POINTS - 1) {
        return saturated * (1 << bits);
    }
    const int32_t fraction = magnitude & ((1 << bits) - 1);
    return table[i] * (1 << bits) + fraction * (table[i + 1] - table[i]);
}

/* The table at (x + 32768) / 128; table [513], x -32768..32767. */
static inline int32_t ek_look_up_s16(int32_t x, const int16_t *table)
{
    table += 256 + ek_shift_right(x, 7);
    return table[0] + ek_shift_right((table[1] - table[0]) * (x & 127) + 64, 7);
}

#endif
