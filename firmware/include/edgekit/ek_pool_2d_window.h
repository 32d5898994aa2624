/* ek_pool_2d_window.h: windows over elements of the type that a pool's kernel calls EK_ELEMENT. */

/* The part of a window that lies inside the input. */
typedef struct {
    const EK_ELEMENT *in; /* its first element, channel 0 */
    int32_t height, width;
} ek_window;

/* The window of output pixel (y, x). Precondition: some of it lies inside the input. */
static inline ek_window ek_pool_2d_window(const EK_ELEMENT *in, const ek_pool_2d_params *p,
                                          int32_t y, int32_t x)
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
