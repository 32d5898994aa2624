/* ek_depthwise_conv_2d_3x3_s8.h: a depthwise convolution with 3x3 filters. */
#ifndef EDGEKIT_EK_DEPTHWISE_CONV_2D_3X3_S8_H
#define EDGEKIT_EK_DEPTHWISE_CONV_2D_3X3_S8_H

#include <stdint.h>

#include "edgekit/ek_depthwise_conv_2d.h"

/* The same as ek_depthwise_conv_2d_s8 where filter_height and filter_width are 3, dilation_y and
 * dilation_x are 1 and stride_x is at most 3; full_begin and full_end are not looked at. */
void ek_depthwise_conv_2d_3x3_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                                 const ek_depthwise_conv_2d_params *params, int8_t *out);

#endif
