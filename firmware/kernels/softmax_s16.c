#include "edgekit/ek_softmax_s16.h"

#include "edgekit/ek_interpolated.h"
#include "edgekit/ek_requantize.h"

/* Exponentials to `out`; returns their sum in Q16.15. */
static uint32_t exponentials(const int16_t *in, const ek_softmax_s16_params *p, int16_t *out)
{
    int32_t max = in[0];
    for (int32_t i = 1; i < p->depth; i++) {
        max = in[i] > max ? in[i] : max;
    }
    uint32_t sum = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t x = ek_requantize(in[i] - max, p->multiplier, p->shift) + INT16_MAX;
        const int32_t e = ek_look_up_s16(x < INT16_MIN ? INT16_MIN : x, p->exps);
        sum += (uint32_t)e;
        out[i] = (int16_t)e;
    }
    return sum;
}

static void softmax_row(const int16_t *in, const ek_softmax_s16_params *p, int16_t *out)
{
    uint32_t sum = exponentials(in, p, out);
    int32_t shift = 30; /* from exp * reciprocal to Q0.15 */
    while (sum < 1u << 30) {
        sum <<= 1;
        shift--;
    }
    const int32_t fraction = (int32_t)((sum + (1u << 13)) >> 14) - (1 << 16); /* Q0.16 */
    const int32_t x = fraction - (1 << 15);
    const int32_t reciprocal = ek_look_up_s16(x > INT16_MAX ? INT16_MAX : x, p->reciprocals);
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t q = ek_shift_right(out[i] * reciprocal + (1 << (shift - 1)), shift);
        out[i] = (int16_t)ek_clamp(q, 0, INT16_MAX);
    }
}

void ek_softmax_s16(const int16_t *in, const ek_softmax_s16_params *params, int16_t *out)
{
    for (int32_t row = 0; row < params->rows; row++) {
        softmax_row(in, params, out);
        in += params->depth;
        out += params->depth;
    }
}
