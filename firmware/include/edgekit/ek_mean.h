/* ek_mean.h: the parameters of MEAN. */
#ifndef EDGEKIT_EK_MEAN_H
#define EDGEKIT_EK_MEAN_H

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
} ek_mean_params;

#endif
