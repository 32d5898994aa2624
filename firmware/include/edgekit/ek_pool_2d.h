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
    int32_t min, max;          /* fused activation, -128 <= min <= max <= 127 */
} ek_pool_2d_params;

/* The part of a window that lies inside the input. */
typedef struct {
    const int8_t *in; /* its first element, channel 0 */
    int32_t height, width;
} ek_window;

/* The window of output pixel (y, x). Precondition: some of it lies inside the input. */
static inline ek_window ek_pool_2d_window(const int8_t *in, const ek_pool_2d_params *p, int32_t y,
                                          int32_t x)
{
    int32_t top = y * p->stride_y - p->pad_top, bottom = top + p->filter_height;
    int32_t left = x * p->stride_x - p->pad_left, right = left + p->filter_width;
    top = top < 0 ? 0 : top;
    left = left < 0 ? 0 : left;
    bottom = bottom > p->in_height ? p->in_height : bottom;
    right = right > p->in_width ? p->in_width : right;
    const ek_window window = {in + (top * p->in_width + left) * p->in_channels, bottom - top,
                              right - left};
    return window;
}

#endif
