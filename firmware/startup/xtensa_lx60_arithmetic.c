/* xtensa_lx60_arithmetic.c: integer arithmetic that the compiler calls and that the LX106's libgcc
 * leaves out, because the ESP8266 has it in its ROM. */
#include <stdint.h>

uint64_t __umulsidi3(uint32_t a, uint32_t b);
int64_t __muldi3(int64_t a, int64_t b);
uint32_t __udivsi3(uint32_t n, uint32_t d);
uint32_t __umodsi3(uint32_t n, uint32_t d);
int32_t __divsi3(int32_t n, int32_t d);
uint64_t __udivdi3(uint64_t n, uint64_t d);
uint64_t __umoddi3(uint64_t n, uint64_t d);
int64_t __divdi3(int64_t n, int64_t d);

/* In libgcc. */
uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
int64_t __divmoddi4(int64_t n, int64_t d, int64_t *rest);

/* a * b from four products of 16 bits, which the core has. */
static inline uint64_t multiply(uint32_t a, uint32_t b)
{
    const uint32_t a0 = a & 0xFFFFu, a1 = a >> 16;
    const uint32_t b0 = b & 0xFFFFu, b1 = b >> 16;
    const uint32_t low = a0 * b0;
    const uint32_t middle = a1 * b0 + (low >> 16); /* no carry: at most 2^32 - 2^17 + 2^16 */
    const uint32_t other = a0 * b1 + (middle & 0xFFFFu);
    const uint32_t high = a1 * b1 + (middle >> 16) + (other >> 16);
    return (uint64_t)high << 32 | (other << 16 | (low & 0xFFFFu));
}

uint64_t __umulsidi3(uint32_t a, uint32_t b)
{
    return multiply(a, b);
}

int64_t __muldi3(int64_t a, int64_t b)
{
    const uint32_t a_low = (uint32_t)a, a_high = (uint32_t)((uint64_t)a >> 32);
    const uint32_t b_low = (uint32_t)b, b_high = (uint32_t)((uint64_t)b >> 32);
    const uint64_t low = multiply(a_low, b_low);
    const uint32_t high = (uint32_t)(low >> 32) + a_low * b_high + a_high * b_low;
    return (int64_t)((uint64_t)high << 32 | (uint32_t)low);
}

/* Long division, bit by bit. Divided by zero it gives all ones, as the core's own divider would. */
uint32_t __udivsi3(uint32_t n, uint32_t d)
{
    uint32_t quotient = 0;
    uint32_t rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carried = rest >> 31;
        rest = rest << 1 | ((n >> bit) & 1u);
        quotient <<= 1;
        if (carried != 0 || rest >= d) {
            rest -= d;
            quotient |= 1u;
        }
    }
    return quotient;
}

uint32_t __umodsi3(uint32_t n, uint32_t d)
{
    return n - __udivsi3(n, d) * d;
}

int32_t __divsi3(int32_t n, int32_t d)
{
    const uint32_t n_size = n < 0 ? 0u - (uint32_t)n : (uint32_t)n;
    const uint32_t d_size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;
    const uint32_t quotient = __udivsi3(n_size, d_size);
    return (int32_t)((n < 0) != (d < 0) ? 0u - quotient : quotient);
}

uint64_t __udivdi3(uint64_t n, uint64_t d)
{
    return __udivmoddi4(n, d, 0);
}

uint64_t __umoddi3(uint64_t n, uint64_t d)
{
    uint64_t rest;
    (void)__udivmoddi4(n, d, &rest);
    return rest;
}

int64_t __divdi3(int64_t n, int64_t d)
{
    int64_t rest;
    return __divmoddi4(n, d, &rest);
}
