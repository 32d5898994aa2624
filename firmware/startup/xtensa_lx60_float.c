/* xtensa_lx60_float.c: float32 arithmetic that the compiler calls and that the LX106's libgcc
 * leaves out, because the ESP8266 has it in its ROM. A model whose input or output is float32 needs
 * it. As IEEE 754 has it: rounded once to nearest, ties to even. Every NaN is the same one.
 *
 * The functions take and return bit patterns, which a core without floating point passes in the
 * registers that a float would be in. */
#include <stdbool.h>
#include <stdint.h>

#define SIGN     0x80000000u
#define INFINITE 0x7F800000u
#define NAN_BITS 0x7FC00000u
#define HIDDEN   0x00800000u /* the bit of a significand that is not stored */

uint32_t __addsf3(uint32_t a, uint32_t b);
uint32_t __subsf3(uint32_t a, uint32_t b);
uint32_t __mulsf3(uint32_t a, uint32_t b);
uint32_t __floatsisf(int32_t a);

static bool is_nan(uint32_t a)
{
    return (a & ~SIGN) > INFINITE;
}

static bool is_infinite(uint32_t a)
{
    return (a & ~SIGN) == INFINITE;
}

/* |a| = significand(a) * 2^exponent(a) */
static uint32_t significand(uint32_t a)
{
    const uint32_t fraction = a & (HIDDEN - 1u);
    return (a & INFINITE) == 0 ? fraction : fraction | HIDDEN;
}

static int32_t exponent(uint32_t a)
{
    const int32_t stored = (int32_t)((a & INFINITE) >> 23);
    return (stored == 0 ? 1 : stored) - 150;
}

/* value * 2^power, rounded. What lies below bit 0 of the value is in bit 0, if there is any. */
static uint32_t rounded(uint32_t sign, uint32_t value, int32_t power)
{
    if (value == 0) {
        return sign;
    }
    for (; (value & SIGN) == 0; power--) {
        value <<= 1;
    }
    int32_t stored = power + 158;
    if (stored >= 255) {
        return sign | INFINITE;
    }
    int32_t dropped_bits = 8;
    if (stored < 1) { /* too small for a hidden bit */
        dropped_bits += 1 - stored;
        stored = 1;
    }
    if (dropped_bits > 32) {
        return sign;
    }
    uint32_t kept = dropped_bits == 32 ? 0 : value >> dropped_bits;
    const uint32_t dropped = value << (32 - dropped_bits);
    kept += (uint32_t)(dropped > SIGN || (dropped == SIGN && (kept & 1u) != 0));
    /* addition: the hidden bit makes one more of the exponent, a carry out of the rounding too */
    return sign | ((((uint32_t)stored - 1u) << 23) + kept);
}

/* value / 2^bits with bit 0 as `rounded` wants it */
static uint32_t shifted_right(uint32_t value, int32_t bits)
{
    if (bits == 0) {
        return value;
    }
    return bits > 31 ? (uint32_t)(value != 0)
                     : value >> bits | (uint32_t)((value << (32 - bits)) != 0);
}

uint32_t __addsf3(uint32_t a, uint32_t b)
{
    if ((a & ~SIGN) < (b & ~SIGN)) {
        const uint32_t larger = b;
        b = a;
        a = larger;
    }
    const bool differ = ((a ^ b) & SIGN) != 0;
    if (is_nan(a) || (is_infinite(b) && differ)) {
        return NAN_BITS;
    }
    if (is_infinite(a)) {
        return a;
    }
    const uint32_t large = significand(a) << 6;
    const uint32_t small = shifted_right(significand(b) << 6, exponent(a) - exponent(b));
    const uint32_t total = differ ? large - small : large + small;
    const uint32_t sign = differ && total == 0 ? 0 : a & SIGN;
    return rounded(sign, total, exponent(a) - 6);
}

uint32_t __subsf3(uint32_t a, uint32_t b)
{
    return __addsf3(a, b ^ SIGN);
}

uint32_t __mulsf3(uint32_t a, uint32_t b)
{
    const uint32_t sign = (a ^ b) & SIGN;
    const bool is_zero = (a & ~SIGN) == 0 || (b & ~SIGN) == 0;
    const bool overflows = is_infinite(a) || is_infinite(b);
    if (is_nan(a) || is_nan(b) || (is_zero && overflows)) {
        return NAN_BITS;
    }
    if (overflows) {
        return sign | INFINITE;
    }
    uint64_t product = (uint64_t)significand(a) * significand(b);
    int32_t power = exponent(a) + exponent(b);
    for (; product != 0 && (product >> 32) < 0x4000u; power--) {
        product <<= 1;
    }
    const uint32_t below = (uint32_t)((product & 0xFFFFu) != 0);
    return rounded(sign, (uint32_t)(product >> 16) | below, power + 16);
}

uint32_t __floatsisf(int32_t a)
{
    return a < 0 ? rounded(SIGN, 0u - (uint32_t)a, 0) : rounded(0, (uint32_t)a, 0);
}
