/* ek_fixed.c: scaling and quantising with the mantissa and exponent of a float. */
#include "ek_fixed.h"

#include <string.h>

#define FRACTION_BITS 23
#define HIDDEN_BIT    ((uint32_t)1 << FRACTION_BITS)
#define BIAS          (127 + FRACTION_BITS) /* value = mantissa * 2^(exponent - BIAS) */

uint32_t ek_float_bits(const float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits;
}

static uint32_t mantissa(uint32_t bits)
{
    const uint32_t fraction = bits & (HIDDEN_BIT - 1);
    return (bits & 0x7F800000u) == 0 ? fraction : fraction | HIDDEN_BIT;
}

static int32_t exponent_of(uint32_t bits)
{
    const int32_t exponent = (int32_t)(bits >> FRACTION_BITS & 0xFFu);
    return exponent == 0 ? 1 : exponent;
}

uint64_t ek_fixed_scale(uint32_t q, uint32_t scale_bits, uint32_t factor, int32_t exponent)
{
    const uint64_t product = (uint64_t)mantissa(scale_bits) * q * factor; /* < 2^24+16+10 */
    const int32_t right = BIAS - exponent_of(scale_bits) - exponent;
    if (product == 0 || right > 60) {
        return 0;
    }
    if (right <= 0) {
        return right < -11 ? EK_FIXED_MAX : product << -right;
    }
    const uint64_t half = (uint64_t)1 << (right - 1);
    const uint64_t rest = product & ((half << 1) - 1);
    const uint64_t floor = product >> right;
    return floor + (uint64_t)(rest > half || (rest == half && (floor & 1) != 0));
}

int8_t ek_fixed_quantize(uint32_t x_bits, uint32_t scale_bits, int32_t zero_point)
{
    /* x / scale = (mx / ms) * 2^k, and 1/2 < mx / ms < 2 unless x is subnormal. */
    const int32_t k = exponent_of(x_bits) - exponent_of(scale_bits);
    uint32_t steps = 512; /* more than any int8 is away from any zero point */
    if (k < -2) {
        steps = 0;
    } else if (k < 10) {
        const uint64_t numerator = (uint64_t)mantissa(x_bits) << (k + 3);
        const uint64_t halves = numerator / ((uint64_t)mantissa(scale_bits) << 2);
        steps = (uint32_t)((halves + 1) >> 1);
    }
    const int32_t away = (int32_t)(steps < 512 ? steps : 512);
    const int32_t q = zero_point + ((x_bits >> 31) != 0 ? -away : away);
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}
