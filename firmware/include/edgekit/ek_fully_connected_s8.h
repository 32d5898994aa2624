/* ek_fully_connected_s8.h: a dense layer. */
#ifndef EDGEKIT_EK_FULLY_CONNECTED_S8_H
#define EDGEKIT_EK_FULLY_CONNECTED_S8_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

typedef struct {
    int32_t rows;         /* N */
    int32_t inputs;       /* I */
    int32_t outputs;      /* O */
    int32_t requant_step; /* 1: a multiplier and shift for each output; 0: one for all */
    ek_requant_s8 requant;
} ek_fully_connected_s8_params;

/* out[n][o] = requant(bias[o] + sum_i in[n][i] * weights[o][i])
 *
 * in   [N][I] int8      weights [O][I] int8
 * bias [O]    int32, with minus the input's zero point times each row's sum of weights in it
 * out  [N][O] int8
 * in and out must not overlap. Sums wrap at 32 bits, as TFLite Micro's do. Needs no scratch.
 * Bounds: I < 2^16. */
void ek_fully_connected_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                           const ek_fully_connected_s8_params *params, int8_t *out);

#endif
