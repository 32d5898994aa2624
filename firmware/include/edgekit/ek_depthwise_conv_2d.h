/* ek_depthwise_conv_2d.h: the parameters of the kernels of DEPTHWISE_CONV_2D. */
#ifndef EDGEKIT_EK_DEPTHWISE_CONV_2D_H
#define EDGEKIT_EK_DEPTHWISE_CONV_2D_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

typedef struct {
    int32_t batches;     /* N */
    int32_t in_height;   /* H: rows that are present */
    int32_t in_width;    /* W */
    int32_t in_channels; /* C */
    int32_t out_height;  /* rows to compute */
    int32_t out_width;
    int32_t full_begin; /* output columns full_begin..full_end-1 see no padding to the */
    int32_t full_end;   /* left or right; none if both are equal */
    int32_t multiplier; /* M: output channels for each input channel */
    int16_t filter_height, filter_width;
    int16_t stride_y, stride_x;
    int16_t dilation_y, dilation_x;
    int16_t pad_top, pad_left; /* input row and column of the first tap are minus these */
    int16_t in_zero_point;     /* also the value of padding */
    int16_t requant_step;      /* 1: a multiplier and shift for each channel; 0: one for all */
    ek_requant_s8 requant;
} ek_depthwise_conv_2d_params;

#endif
