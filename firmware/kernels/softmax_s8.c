#include "edgekit/ek_softmax_s8.h"

#include "edgekit/ek_requantize.h"

/* 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31: three Newton-Raphson steps for 2 / (1 + x) in
 * Q2.29, from the line 48/17 - 32/17 y. */
static int32_t reciprocal_of_one_plus(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((uint32_t)x + 0x80000000u) >> 1);
    int32_t y = 1515870810 + ek_doubling_high_mul(-1010580540, half_denominator);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - ek_doubling_high_mul(half_denominator, y);
        y += 4 * ek_doubling_high_mul(error, y);
    }
    return y >= 1 << 30 ? INT32_MAX : 2 * y;
}

static int32_t exp_below(int32_t difference, const int32_t *exps, int32_t last)
{
    return exps[difference < last ? difference : last];
}

static void softmax_row(const int8_t *in, const int32_t *exps, int32_t last, int32_t depth,
                        int8_t *out)
{
    int32_t max = in[0];
    for (int32_t i = 1; i < depth; i++) {
        max = in[i] > max ? in[i] : max;
    }
    uint32_t sum = 0; /* Q12.19 */
    for (int32_t i = 0; i < depth; i++) {
        sum += ((uint32_t)exp_below(max - in[i], exps, last) + (1u << 11)) >> 12;
    }
    int32_t shift = 35; /* from exp * reciprocal to 1/256 */
    while (sum < 0x80000000u) {
        sum <<= 1;
        shift--;
    }
    const int32_t reciprocal = reciprocal_of_one_plus((int32_t)(sum - 0x80000000u));
    for (int32_t i = 0; i < depth; i++) {
        const int32_t e = exp_below(max - in[i], exps, last);
        const uint32_t x = (uint32_t)ek_doubling_high_mul(e, reciprocal);
        /* sums of 2^9 and more: below one half of 1/256 */
        const int32_t q = shift > 31 ? 0 : (int32_t)((x + (1u << (shift - 1))) >> shift);
        out[i] = (int8_t)(q > 255 ? INT8_MAX : q - 128);
    }
}

void ek_softmax_s8(const int8_t *in, const int32_t *exps, int32_t last, int32_t rows, int32_t depth,
                   int8_t *out)
{
    for (; rows > 0; rows--) {
        softmax_row(in, exps, last, depth, out);
        in += depth;
        out += depth;
    }
}
