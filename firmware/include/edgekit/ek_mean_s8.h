/* ek_mean_s8.h: the mean over some of a tensor's dimensions. */
#ifndef EDGEKIT_EK_MEAN_S8_H
#define EDGEKIT_EK_MEAN_S8_H

#include <stdint.h>

#include "edgekit/ek_mean.h"

/* out[i][j][k] = saturate(requantize(bias + sum over l, m, n of
 *     in[i * kept[0].step + j * kept[1].step + k * kept[2].step
 *        + l * reduced[0].step + m * reduced[1].step + n * reduced[2].step]) + zero_point)
 *
 * out [kept[0].size][kept[1].size][kept[2].size] int8
 * Sums wrap at 32 bits. in and out must not overlap. Needs no scratch. */
void ek_mean_s8(const int8_t *in, const ek_mean_params *params, int8_t *out);

#endif
