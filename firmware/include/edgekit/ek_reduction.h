/* ek_reduction.h: what kernels share that make one value of many. */
#ifndef EDGEKIT_EK_REDUCTION_H
#define EDGEKIT_EK_REDUCTION_H

#include <stdint.h>

#define EK_REDUCTION_LOOPS 3

/* `size` elements, `step` elements apart. */
typedef struct {
    int32_t size, step;
} ek_reduction_loop;

#endif
