/* ek_conv_2d_s16.h: a convolution on int16 activations, also a dilated or grouped one. */
#ifndef EDGEKIT_EK_CONV_2D_S16_H
#define EDGEKIT_EK_CONV_2D_S16_H

#include <stdint.h>

#include "edgekit/ek_requantize_s16.h"

/* Two windows of no more than this many bytes need no scratch: they lie on the stack. */
#define EK_CONV_2D_S16_STACK_BYTES 288

typedef struct {
    int32_t batches;     /* N */
    int32_t in_height;   /* H: rows that are present */
    int32_t in_width;    /* W */
    int32_t in_channels; /* C */
    int32_t out_height;  /* rows to compute */
    int32_t out_width;
    int32_t out_channels;    /* O */
    int32_t group_channels;  /* O / groups */
    int32_t filter_channels; /* I = C / groups */
    int16_t filter_height, filter_width;
    int16_t stride_y, stride_x;
    int16_t dilation_y, dilation_x;
    int16_t pad_top, pad_left; /* input row and column of the first tap are minus these */
    int16_t requant_step;      /* 1: a multiplier and shift for each channel; 0: one for all */
    int16_t whole_pixels;      /* 1: every window is a pixel (1x1, one group, no padding); else 0 */
    ek_requant_s16 requant;
} ek_conv_2d_s16_params;

/* out[n][y][x][o] = requant(bias[o] + sum_ky,kx,i tap * weights[o][ky][kx][i])
 * where tap = in[n][y * stride_y + ky * dilation_y - pad_top]
 *               [x * stride_x + kx * dilation_x - pad_left][I * (o / group_channels) + i]
 * and taps outside the input are 0.
 *
 * in   [N][H][W][C] int16                     weights [O][filter_height][filter_width][I] int8
 * out  [N][out_height][out_width][O] int16    bias [O] int64, less than 2^46 in magnitude
 * scratch: two windows, 2 * filter_height * filter_width * I int16; NULL if that is no more than
 * EK_CONV_2D_S16_STACK_BYTES, or if every window is a whole pixel of the input
 * in, out and scratch must not overlap.
 * Bounds: filter_height * filter_width * I < 2^16; dilation_x * C < 2^31. */
void ek_conv_2d_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                    const ek_conv_2d_s16_params *params, int16_t *scratch, int16_t *out);

#endif
