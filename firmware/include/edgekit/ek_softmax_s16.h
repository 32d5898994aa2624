/* ek_softmax_s16.h: exponentials in proportion to their sum. */
#ifndef EDGEKIT_EK_SOFTMAX_S16_H
#define EDGEKIT_EK_SOFTMAX_S16_H

#include <stdint.h>

typedef struct {
    const int16_t *exps;        /* [513] exp from -10 to 0, Q0.15 */
    const int16_t *reciprocals; /* [513] 1 / (1 + x) from 0 to 1, Q0.15 */
    int32_t multiplier, shift;  /* from a difference to 1/65535 of exp's -10; shift -31..15 */
    int32_t rows, depth;        /* depth 1..65536 */
} ek_softmax_s16_params;

/* out[r][i] = e[r][i] / sum_j e[r][j] in Q0.15, where
 * e[r][i] = exp(max(requant(in[r][i] - max_j in[r][j]), -10))
 *
 * in, out [rows][depth] int16; zero points are 0
 * out may be in. Needs no scratch. */
void ek_softmax_s16(const int16_t *in, const ek_softmax_s16_params *params, int16_t *out);

#endif
