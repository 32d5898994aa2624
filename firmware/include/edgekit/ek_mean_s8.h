/* ek_mean_s8.h: the mean over some of a tensor's dimensions. */
#ifndef EDGEKIT_EK_MEAN_S8_H
#define EDGEKIT_EK_MEAN_S8_H

#include <stdint.h>

#define EK_MEAN_LOOPS 3

/* `size` elements, `step` elements apart. */
typedef struct {
    int32_t size, step;
} ek_mean_loop;

typedef struct {
    ek_mean_loop kept[EK_MEAN_LOOPS];    /* outermost first; size 1 where there are fewer */
    ek_mean_loop reduced[EK_MEAN_LOOPS]; /* likewise */
    int32_t bias;                        /* minus the input's zero point for each element */
    int32_t multiplier, shift;           /* of sum to output, the division included */
    int32_t zero_point;                  /* of the output */
} ek_mean_s8_params;

/* out[i][j][k] = saturate(requantize(bias + sum over l, m, n of
 *     in[i * kept[0].step + j * kept[1].step + k * kept[2].step
 *        + l * reduced[0].step + m * reduced[1].step + n * reduced[2].step]) + zero_point)
 *
 * out [kept[0].size][kept[1].size][kept[2].size] int8
 * Sums wrap at 32 bits. in and out must not overlap. Needs no scratch. */
void ek_mean_s8(const int8_t *in, const ek_mean_s8_params *params, int8_t *out);

#endif
