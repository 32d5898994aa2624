/* ek_softmax_s8.h: exponentials in proportion to their sum. */
#ifndef EDGEKIT_EK_SOFTMAX_S8_H
#define EDGEKIT_EK_SOFTMAX_S8_H

#include <stdint.h>

/* out[r][i] = 256 * e[r][i] / sum_j e[r][j] - 128, saturated, where
 * e[r][i] = exps[min(max_j in[r][j] - in[r][i], last)]
 *
 * in, out [rows][depth] int8, depth 1..4095
 * exps    [last + 1]    Q0.31, falling; the first one is 2^31-1, and `last` is 255 or exps[last] 0
 * out may be in. Needs no scratch. */
void ek_softmax_s8(const int8_t *in, const int32_t *exps, int32_t last, int32_t rows, int32_t depth,
                   int8_t *out);

#endif
