/* ek_depthwise_conv_2d_3x3_s8.h: a depthwise convolution with 3x3 filters. */
#ifndef EDGEKIT_EK_DEPTHWISE_CONV_2D_3X3_S8_H
#define EDGEKIT_EK_DEPTHWISE_CONV_2D_3X3_S8_H

#include <stdint.h>

#include "edgekit/ek_requantize.h"

/* One of the two directions in which the window moves. */
typedef struct {
    int32_t in_size, in_step;   /* elements present, and their distance in `in` */
    int32_t out_size, out_step; /* elements to compute, and their distance in `out` */
    int16_t stride;             /* of the window, in elements of the input */
    int16_t pad;                /* the first tap's element is minus this */
} ek_depthwise_axis;

typedef struct {
    int32_t batches;                 /* N */
    int32_t in_bytes, out_bytes;     /* of one image */
    int32_t in_channels;             /* C */
    int32_t multiplier;              /* M: output channels for each input channel */
    ek_depthwise_axis along, across; /* the inner loop goes along: the longer one is faster */
    int16_t in_zero_point;           /* also the value of padding */
    int16_t requant_step; /* 1: a multiplier and shift for each channel; 0: one for all */
    ek_requant_s8 requant;
} ek_depthwise_conv_2d_3x3_s8_params;

/* out[n][o at j, i] = requant(bias[o] + sum_l,k (tap - in_zero_point) * weights[o][l][k])
 * where tap = in[n][o / M at j * across.stride + k - across.pad, i * along.stride + l - along.pad]
 * and taps outside the input add nothing. (j, i) lies at j * across.step + i * along.step.
 *
 * in, out [N] images, the channels of a pixel side by side, int8
 * weights [C * M][3][3] int8: `along` outside, `across` inside    bias [C * M] int32
 * Bounds: along.stride <= 3. in and out must not overlap. Sums wrap at 32 bits, as TFLite Micro's
 * do. Needs no scratch. */
void ek_depthwise_conv_2d_3x3_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                                 const ek_depthwise_conv_2d_3x3_s8_params *params, int8_t *out);

#endif
