/* ek_pool_2d.h: the parameters of AVERAGE_POOL_2D and MAX_POOL_2D. */
#ifndef EDGEKIT_EK_POOL_2D_H
#define EDGEKIT_EK_POOL_2D_H

#include <stdint.h>

typedef struct {
    int32_t batches;     /* N */
    int32_t in_height;   /* H: rows that are present */
    int32_t in_width;    /* W */
    int32_t in_channels; /* C */
    int32_t out_height;  /* rows to compute */
    int32_t out_width;
    int32_t filter_height, filter_width;
    int32_t stride_y, stride_x;
    int32_t pad_top, pad_left; /* input row and column of the first tap are minus these */
    int32_t min, max;          /* fused activation, within the range of the elements */
} ek_pool_2d_params;

#endif
