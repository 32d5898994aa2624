/* ek_reduce_max_s8.h: the greatest along some of a tensor's dimensions. */
#ifndef EDGEKIT_EK_REDUCE_MAX_S8_H
#define EDGEKIT_EK_REDUCE_MAX_S8_H

#include <stdint.h>

#include "edgekit/ek_reduction.h"

typedef struct {
    ek_reduction_loop kept[EK_REDUCTION_LOOPS]; /* outermost first; size 1 where there are fewer */
    ek_reduction_loop reduced[EK_REDUCTION_LOOPS]; /* likewise */
} ek_reduce_max_s8_params;

/* out[i][j][k] = the greatest, over l, m, n, of
 *     in[i * kept[0].step + j * kept[1].step + k * kept[2].step
 *        + l * reduced[0].step + m * reduced[1].step + n * reduced[2].step]
 *
 * out [kept[0].size][kept[1].size][kept[2].size] int8
 * in and out must not overlap. Needs no scratch. */
void ek_reduce_max_s8(const int8_t *in, const ek_reduce_max_s8_params *params, int8_t *out);

#endif
