/* ek_fully_connected_s16.h: a dense layer on int16 activations. */
#ifndef EDGEKIT_EK_FULLY_CONNECTED_S16_H
#define EDGEKIT_EK_FULLY_CONNECTED_S16_H

#include <stdint.h>

#include "edgekit/ek_requantize_s16.h"

typedef struct {
    int32_t rows;         /* N */
    int32_t inputs;       /* I */
    int32_t outputs;      /* O */
    int32_t requant_step; /* 1: a multiplier and shift for each output; 0: one for all */
    ek_requant_s16 requant;
} ek_fully_connected_s16_params;

/* out[n][o] = requant(bias[o] + sum_i in[n][i] * weights[o][i])
 *
 * in   [N][I] int16     weights [O][I] int8
 * bias [O]    int64, less than 2^46 in magnitude
 * out  [N][O] int16
 * in and out must not overlap. Needs no scratch. Bounds: I < 2^16. */
void ek_fully_connected_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                            const ek_fully_connected_s16_params *params, int16_t *out);

#endif
