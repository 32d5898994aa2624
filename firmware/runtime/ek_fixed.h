/* ek_fixed.h: what the text commands need of floating point, in integers only. A float is given by
 * its IEEE 754 bits. */
#ifndef EDGEKIT_EK_FIXED_H
#define EDGEKIT_EK_FIXED_H

#include <stdint.h>

/* The bits of `*value`. */
uint32_t ek_float_bits(const float *value);

/* The largest result of ek_fixed_scale: more becomes this. */
#define EK_FIXED_MAX ((uint64_t)1 << 62)

/* |scale| * q * factor * 2^exponent, rounded to the nearest integer, ties to even as printf does.
 * Precondition: q <= 65536, factor <= 1024, -64 <= exponent <= 64. */
uint64_t ek_fixed_scale(uint32_t q, uint32_t scale_bits, uint32_t factor, int32_t exponent);

/* clamp(round(x / scale) + zero_point, -128, 127), ties away from zero.
 * Precondition: scale is positive and normal, -128 <= zero_point <= 127. */
int8_t ek_fixed_quantize(uint32_t x_bits, uint32_t scale_bits, int32_t zero_point);

#endif
