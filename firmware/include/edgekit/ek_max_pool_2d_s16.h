/* ek_max_pool_2d_s16.h: the maximum of each window. */
#ifndef EDGEKIT_EK_MAX_POOL_2D_S16_H
#define EDGEKIT_EK_MAX_POOL_2D_S16_H

#include <stdint.h>

#include "edgekit/ek_pool_2d.h"

/* out[n][y][x][c] = clamp(greatest, min, max) of the elements
 *     in[n][y * stride_y + ky - pad_top][x * stride_x + kx - pad_left][c]
 * that lie inside the input.
 *
 * in [N][H][W][C] int16    out [N][out_height][out_width][C] int16, of the same scale
 * Every window must have an element inside the input. in and out must not overlap. Needs no
 * scratch. */
void ek_max_pool_2d_s16(const int16_t *in, const ek_pool_2d_params *params, int16_t *out);

#endif
