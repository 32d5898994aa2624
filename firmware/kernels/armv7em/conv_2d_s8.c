#include "edgekit/ek_conv_2d_s8.h"

#include <stddef.h>
#include <string.h>

#include "edgekit/ek_dot_s8.h"
#include "edgekit/ek_simd32.h"

/* The channels of one group, where its input, weights and outputs begin. */
typedef struct {
    const ek_conv_2d_s8_params *params;
    const int8_t *in, *weights;
    const int32_t *bias;
    int32_t channel;     /* its first */
    int32_t window_size; /* bytes */
    int32_t small;       /* two_small_pixels serves */
    /* a window lies inside the input, each of its rows in one piece, where its first tap's row and
     * column, as unsigned numbers, are below these */
    uint32_t inside_y, inside_x;
} group;

/* Both without a call: what they copy and fill is often three bytes. */
static inline int8_t *copied(const int8_t *from, int32_t n, int8_t *to)
{
    for (; n >= 4; n -= 4) {
        memcpy(to, from, 4);
        from += 4;
        to += 4;
        EK_MOVED_ON(from);
        EK_MOVED_ON(to);
    }
    for (; n > 0; n--) {
        *to++ = *from++;
        EK_MOVED_ON(from);
    }
    return to;
}

static inline int8_t *filled(int32_t value, int32_t n, int8_t *to)
{
    for (; n > 0; n--) {
        *to++ = (int8_t)value;
        EK_MOVED_ON(to);
    }
    return to;
}

/* Copy `taps` neighbouring taps of one row; those outside become the zero point. */
static int8_t *copy_taps(const ek_conv_2d_s8_params *p, const int8_t *row, int32_t x, int32_t taps,
                         int8_t *to)
{
    const int32_t begin = ek_clamp(-x, 0, taps);
    const int32_t end = ek_clamp(p->in_width - x, begin, taps);
    const int32_t size = p->filter_channels;
    to = filled(p->in_zero_point, begin * size, to);
    if (end > begin) {
        to = copied(row + (x + begin) * p->in_channels, (end - begin) * size, to);
    }
    return filled(p->in_zero_point, (taps - end) * size, to);
}

/* Copy the window whose first tap is at row `y`, column `x`. */
static void copy_window(const group *g, const int8_t *in, int32_t y, int32_t x, int8_t *to)
{
    const ek_conv_2d_s8_params *const p = g->params;
    const int32_t row_size = p->filter_width * p->filter_channels;
    const int32_t in_row = p->in_width * p->in_channels;
    if ((uint32_t)y < g->inside_y && (uint32_t)x < g->inside_x) {
        const int8_t *row = in + y * in_row + x * p->in_channels;
        for (int32_t ky = p->filter_height; ky > 0; ky--) {
            to = copied(row, row_size, to);
            row += p->dilation_y * in_row;
        }
        return;
    }
    const int32_t taps = p->dilation_x * p->in_channels == p->filter_channels ? p->filter_width : 1;
    for (int32_t ky = 0; ky < p->filter_height; ky++) {
        if (y < 0 || y >= p->in_height) {
            to = filled(p->in_zero_point, row_size, to);
        } else {
            for (int32_t kx = 0; kx < p->filter_width; kx += taps) {
                to = copy_taps(p, in + y * in_row, x + kx * p->dilation_x, taps, to);
            }
        }
        y += p->dilation_y;
    }
}

/* All channels of two pixels, or of one pixel twice, whose sums may be of any size. */
static void two_pixels(const group *g, const int8_t *const windows[2], int8_t *const out[2])
{
    const ek_conv_2d_s8_params *const p = g->params;
    const int32_t size = g->window_size, channels = p->group_channels;
    for (int32_t o = 0; o < channels; o += 2) {
        const int32_t both = o + 1 < channels; /* else the last channel is computed twice */
        const int8_t *const w = g->weights + o * size;
        int32_t sums[4] = {0, 0, 0, 0};
        ek_dot_2x2_s8(windows[0], windows[1], w, both ? w + size : w, size, sums);
        for (int32_t i = 0; i < 4; i++) {
            const int32_t c = o + (i & both);
            const int32_t at = (g->channel + c) * p->requant_step;
            const uint32_t sum = (uint32_t)sums[i] + (uint32_t)g->bias[c];
            out[i >> 1][c] = ek_requantize_s8(sum, &p->requant, at);
        }
    }
}

/* The same where sums are small, of two channels or more. */
static void two_small_pixels(const group *g, const int8_t *const windows[2], int8_t *const out[2])
{
    const ek_requant_s8 *const r = &g->params->requant;
    const int32_t size = g->window_size, step = g->params->requant_step;
    const int32_t zero = ek_small_zero(r);
    const int32_t *bias = g->bias, *multiplier = r->multiplier + g->channel * step;
    const int8_t *shift = r->shift + g->channel * step;
    const int8_t *w = g->weights, *const window0 = windows[0], *const window1 = windows[1];
    int8_t *out0 = out[0], *out1 = out[1];
    for (int32_t left = g->params->group_channels;;) {
        int32_t sums[4] = {bias[0], bias[1], bias[0], bias[1]};
        ek_dot_2x2_s8(window0, window1, w, w + size, size, sums);
        const ek_small_requant first = ek_small_requant_of(multiplier[0], shift[0], zero);
        out0[0] = ek_requantize_small_s8(2 * sums[0], &first);
        out1[0] = ek_requantize_small_s8(2 * sums[2], &first);
        const ek_small_requant second = ek_small_requant_of(multiplier[step], shift[step], zero);
        out0[1] = ek_requantize_small_s8(2 * sums[1], &second);
        out1[1] = ek_requantize_small_s8(2 * sums[3], &second);
        left -= 2;
        if (left <= 0) {
            return;
        }
        const int32_t on = left > 1 ? 2 : 1; /* of an odd number the last but one comes twice */
        left += 2 - on;
        bias += on;
        multiplier += on * step;
        shift += on * step;
        w += on * size;
        out0 += on;
        out1 += on;
    }
}

/* `copies`: room for two windows. */
static void one_group(const group *g, int8_t *copies, int8_t *out)
{
    const ek_conv_2d_s8_params *const p = g->params;
    const int8_t *in = g->in, *windows[2];
    int8_t *outs[2];
    int32_t have = 0;
    for (int32_t n = 0; n < p->batches; n++) {
        for (int32_t y = 0; y < p->out_height; y++) {
            for (int32_t x = 0; x < p->out_width; x++) {
                const int32_t top = y * p->stride_y - p->pad_top,
                              left = x * p->stride_x - p->pad_left;
                if (p->whole_pixels) {
                    windows[have] = in + (top * p->in_width + left) * p->in_channels;
                } else {
                    windows[have] = copies + have * g->window_size;
                    copy_window(g, in, top, left, copies + have * g->window_size);
                }
                outs[have] = out;
                out += p->out_channels;
                have = 1 - have;
                if (have == 0) {
                    (g->small ? two_small_pixels : two_pixels)(g, windows, outs);
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
    if (have == 1) {
        windows[1] = windows[0];
        outs[1] = outs[0];
        (g->small ? two_small_pixels : two_pixels)(g, windows, outs);
    }
}

/* How many positions of the first tap have the window inside, along one axis. */
static uint32_t inside(int32_t size, int32_t filter, int32_t dilation)
{
    const int32_t reach = (filter - 1) * dilation;
    return size > reach ? (uint32_t)(size - reach) : 0;
}

void ek_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                   const ek_conv_2d_s8_params *params, int8_t *scratch, int8_t *out)
{
    const int32_t size = params->filter_height * params->filter_width * params->filter_channels;
    const int32_t rows = params->dilation_x * params->in_channels == params->filter_channels;
    group g = {.params = params, .in = in, .weights = weights, .bias = bias, .window_size = size};
    g.small = params->group_channels > 1 && ek_all_small(&params->requant);
    g.inside_y = inside(params->in_height, params->filter_height, params->dilation_y);
    g.inside_x = rows ? inside(params->in_width, params->filter_width, 1) : 0;
    int8_t small[EK_CONV_2D_STACK_BYTES];
    for (int32_t i = 0; i < params->in_channels; i += params->filter_channels) {
        one_group(&g, scratch != NULL ? scratch : small, out);
        g.in += params->filter_channels;
        g.weights += params->group_channels * size;
        g.bias += params->group_channels;
        g.channel += params->group_channels;
        out += params->group_channels;
    }
}
