/* ek_average_pool_2d_s8.h: the average of each window. */
#ifndef EDGEKIT_EK_AVERAGE_POOL_2D_S8_H
#define EDGEKIT_EK_AVERAGE_POOL_2D_S8_H

#include <stdint.h>

#include "edgekit/ek_pool_2d.h"

/* out[n][y][x][c] = clamp(round(sum / count), min, max) over the elements
 *     in[n][y * stride_y + ky - pad_top][x * stride_x + kx - pad_left][c]
 * that lie inside the input, ties away from zero.
 *
 * in [N][H][W][C] int8    out [N][out_height][out_width][C] int8, of the same scale
 * Every window must have an element inside the input. in and out must not overlap. Needs no
 * scratch. Bounds: filter_height * filter_width < 2^24. */
void ek_average_pool_2d_s8(const int8_t *in, const ek_pool_2d_params *params, int8_t *out);

#endif
