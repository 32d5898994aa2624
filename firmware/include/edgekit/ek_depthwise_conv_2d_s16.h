/* ek_depthwise_conv_2d_s16.h: a depthwise convolution on int16 activations. */
#ifndef EDGEKIT_EK_DEPTHWISE_CONV_2D_S16_H
#define EDGEKIT_EK_DEPTHWISE_CONV_2D_S16_H

#include <stdint.h>

#include "edgekit/ek_requantize_s16.h"

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
    int16_t run_rows;     /* rows of the window whose sum is sure to have 32 bits, at least 1 */
    int16_t requant_step; /* 1: a multiplier and shift for each channel; 0: one for all */
    ek_requant_s16 requant;
} ek_depthwise_conv_2d_s16_params;

/* out[n][y][x][o] = requant(bias[o] + sum_ky,kx tap * weights[o][ky][kx])
 * where tap = in[n][y * stride_y + ky * dilation_y - pad_top]
 *               [x * stride_x + kx * dilation_x - pad_left][o / M]
 * and taps outside the input add nothing.
 *
 * in  [N][H][W][C] int16    weights [C * M][filter_height][filter_width] int8
 * out [N][out_height][out_width][C * M] int16
 * bias [C * M] int64, less than 2^46 in magnitude
 * in and out must not overlap. Needs no scratch.
 * Bounds: filter_height * filter_width < 2^16; run_rows * filter_width < 2^9; dilation_y * W * C
 * and dilation_x * C < 2^31. */
void ek_depthwise_conv_2d_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                              const ek_depthwise_conv_2d_s16_params *params, int16_t *out);

#endif
