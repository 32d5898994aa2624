/* ek_mean.h: the parameters of MEAN. */
#ifndef EDGEKIT_EK_MEAN_H
#define EDGEKIT_EK_MEAN_H

#include <stdint.h>

#include "edgekit/ek_reduction.h"

typedef struct {
    ek_reduction_loop kept[EK_REDUCTION_LOOPS]; /* outermost first; size 1 where there are fewer */
    ek_reduction_loop reduced[EK_REDUCTION_LOOPS]; /* likewise */
    int32_t bias;              /* minus the input's zero point for each element */
    int32_t multiplier, shift; /* of sum to output, the division included */
    int32_t zero_point;        /* of the output */
} ek_mean_params;

#endif
