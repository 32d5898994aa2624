/* ek_logistic_s16.h: 1 / (1 + exp(-x)). */
#ifndef EDGEKIT_EK_LOGISTIC_S16_H
#define EDGEKIT_EK_LOGISTIC_S16_H

#include <stdint.h>

#include "edgekit/ek_interpolated.h"

/* out[i] = logistic(in[i]) in Q0.15, where the argument brings in[i] to 1/12288
 *
 * in, out [elements] int16; zero points are 0    table as ek_interpolate_logistic has it
 * out may be in. Needs no scratch. */
void ek_logistic_s16(const int16_t *in, const int16_t *table, const ek_argument *argument,
                     int32_t elements, int16_t *out);

#endif
