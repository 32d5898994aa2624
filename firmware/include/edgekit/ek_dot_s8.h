/* ek_dot_s8.h: the inner loops that CONV_2D and FULLY_CONNECTED share.
 *
 * Sums are unsigned so that they may wrap; read as int32 they are what a signed sum would be. */
#ifndef EDGEKIT_EK_DOT_S8_H
#define EDGEKIT_EK_DOT_S8_H

#include <stdint.h>

/* Add a[i] * b[i] for i in 0..n-1 to `sum`. */
static inline uint32_t ek_dot_s8(const int8_t *a, const int8_t *b, int32_t n, uint32_t sum)
{
    int32_t i = n >> 2;
    while (i-- > 0) {
        sum += (uint32_t)(a[0] * b[0]);
        sum += (uint32_t)(a[1] * b[1]);
        sum += (uint32_t)(a[2] * b[2]);
        sum += (uint32_t)(a[3] * b[3]);
        a += 4;
        b += 4;
    }
    for (i = n & 3; i > 0; i--) {
        sum += (uint32_t)(*a++ * *b++);
    }
    return sum;
}

#endif
