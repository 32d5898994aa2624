/* Compares the outputs of eight sums at a time with those that ek_requantize_s8 gives one by one,
 * at all edges: exit code 0 if all are the same, else it says which differs first. */
#include <stdio.h>

#include "edgekit/ek_neon_requantize.h"

static const int32_t multipliers[] = {0,          1 << 30,    (1 << 30) + 1, 1518500250,
                                      0x60000000, 0x7fff8000, INT32_MAX - 1, INT32_MAX};
static const int32_t zero_points[] = {-128, -1, 0, 127};

/* Each power of two, its neighbours, and all of them negative. */
static int32_t edge(uint32_t i)
{
    const uint32_t near = ((uint32_t)1 << (i / 6)) + i % 3 - 1;
    return (int32_t)(i / 3 % 2 == 0 ? near : 0u - near);
}

static int same(const int32_t sums[8], const int32_t *multiplier, int8_t shift, int32_t zero_point)
{
    const int32_t bias = 0;
    const ek_requant_s8 one = {multiplier, &shift, zero_point, -128, 127, 0};
    const ek_scales scales = {&bias, multiplier, &shift, 0, 0};
    const ek_scale_4 scale = ek_scale_4_of(&scales, 0);
    const ek_range_8 range = ek_range_8_of(&one);
    int8_t out[8];
    vst1_s8(out, ek_outputs_8(ek_requantize_4(vld1q_s32(sums), &scale),
                              ek_requantize_4(vld1q_s32(sums + 4), &scale), &range));
    for (int32_t i = 0; i < 8; i++) {
        const int8_t expected = ek_requantize_s8((uint32_t)sums[i], &one, 0);
        if (out[i] != expected) {
            fprintf(stderr, "sum %d, multiplier %d, shift %d, zero point %d: %d, not %d\n",
                    (int)sums[i], (int)*multiplier, shift, (int)zero_point, out[i], expected);
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    for (uint32_t first = 0; first < 32 * 6; first += 8) {
        int32_t sums[8];
        for (uint32_t i = 0; i < 8; i++) {
            sums[i] = edge(first + i);
        }
        for (uint32_t m = 0; m < sizeof multipliers / sizeof multipliers[0]; m++) {
            for (int32_t shift = -31; shift <= 30; shift++) {
                for (uint32_t z = 0; z < sizeof zero_points / sizeof zero_points[0]; z++) {
                    if (!same(sums, &multipliers[m], (int8_t)shift, zero_points[z])) {
                        return 1;
                    }
                }
            }
        }
    }
    return 0;
}
