/* ek_depthwise_conv_2d_s8.h: a depthwise convolution with any filter. */
#ifndef EDGEKIT_EK_DEPTHWISE_CONV_2D_S8_H
#define EDGEKIT_EK_DEPTHWISE_CONV_2D_S8_H

#include <stdint.h>

#include "edgekit/ek_depthwise_conv_2d.h"

/* out[n][y][x][o] = requant(bias[o] + sum_ky,kx (tap - in_zero_point) * weights[o][ky][kx])
 * where tap = in[n][y * stride_y + ky * dilation_y - pad_top]
 *               [x * stride_x + kx * dilation_x - pad_left][o / M]
 * and taps outside the input add nothing.
 *
 * in  [N][H][W][C] int8    weights [C * M][filter_height][filter_width] int8
 * out [N][out_height][out_width][C * M] int8   bias [C * M] int32
 * in and out must not overlap. Sums wrap at 32 bits, as TFLite Micro's do. Needs no scratch. */
void ek_depthwise_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                             const ek_depthwise_conv_2d_params *params, int8_t *out);

#endif
