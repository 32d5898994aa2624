#include "edgekit/ek_conv_2d_s16.h"

#include <stddef.h>
#include <string.h>

#include "edgekit/ek_dot_s16.h"

/* The channels of one group, where its input, weights and outputs begin. */
typedef struct {
    const ek_conv_2d_s16_params *params;
    const int16_t *in;
    const int8_t *weights;
    const int64_t *bias;
    int32_t channel;     /* its first */
    int32_t window_size; /* elements */
} group;

/* Copy `taps` neighbouring taps of one row; those outside become 0. */
static void copy_taps(const ek_conv_2d_s16_params *p, const int16_t *row, int32_t x, int32_t taps,
                      int16_t *to)
{
    const int32_t begin = ek_clamp(-x, 0, taps);
    const int32_t end = ek_clamp(p->in_width - x, begin, taps);
    const int32_t size = p->filter_channels;
    if (end - begin < taps) {
        memset(to, 0, (size_t)(taps * size) * sizeof *to);
    }
    if (end > begin) {
        memcpy(to + begin * size, row + (x + begin) * p->in_channels,
               (size_t)((end - begin) * size) * sizeof *to);
    }
}

/* Copy the window whose first tap is at row `y`, column `x` of the image `in`. */
static void copy_window(const ek_conv_2d_s16_params *p, const int16_t *in, int32_t y, int32_t x,
                        int16_t *to)
{
    const int32_t row_size = p->filter_width * p->filter_channels;
    const int32_t taps = p->dilation_x * p->in_channels == p->filter_channels ? p->filter_width : 1;
    for (int32_t ky = 0; ky < p->filter_height; ky++) {
        if (y < 0 || y >= p->in_height) {
            memset(to, 0, (size_t)row_size * sizeof *to);
            to += row_size;
        } else {
            const int16_t *const row = in + y * p->in_width * p->in_channels;
            for (int32_t kx = 0; kx < p->filter_width; kx += taps) {
                copy_taps(p, row, x + kx * p->dilation_x, taps, to);
                to += taps * p->filter_channels;
            }
        }
        y += p->dilation_y;
    }
}

/* One channel of two pixels. */
static void store(const group *g, int32_t channel, int64_t sum0, int64_t sum1,
                  int16_t *const out[2])
{
    const ek_requant_s16 r = g->params->requant; /* a copy that stores cannot change */
    const int32_t at = (g->channel + channel) * g->params->requant_step;
    const int32_t multiplier = r.multiplier[at], shift = r.shift[at];
    const int64_t bias = g->bias[channel];
    out[0][channel] = ek_sum_to_s16(bias + sum0, multiplier, shift, &r);
    out[1][channel] = ek_sum_to_s16(bias + sum1, multiplier, shift, &r);
}

/* All channels of two pixels, or of one pixel twice. */
static void two_pixels(const group *g, const int16_t *const windows[2], int16_t *const out[2])
{
    const int32_t size = g->window_size, channels = g->params->group_channels;
    const int8_t *w = g->weights;
    for (int32_t o = 0; o < channels; o += 2) {
        const int32_t both = o + 1 < channels; /* else the last channel is computed twice */
        int64_t sums[4] = {0, 0, 0, 0};
        ek_dot_2x2_s16(windows[0], windows[1], w, both ? w + size : w, size, sums);
        store(g, o, sums[0], sums[2], out);
        store(g, o + both, sums[1], sums[3], out);
        w += 2 * size;
    }
}

/* `copies`: room for two windows. */
static void one_group(const group *g, int16_t *copies, int16_t *out)
{
    const ek_conv_2d_s16_params *const p = g->params;
    const int16_t *in = g->in, *windows[2];
    int16_t *outs[2];
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
                    copy_window(p, in, top, left, copies + have * g->window_size);
                }
                outs[have] = out;
                out += p->out_channels;
                have = 1 - have;
                if (have == 0) {
                    two_pixels(g, windows, outs);
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
    if (have == 1) {
        windows[1] = windows[0];
        outs[1] = outs[0];
        two_pixels(g, windows, outs);
    }
}

void ek_conv_2d_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                    const ek_conv_2d_s16_params *params, int16_t *scratch, int16_t *out)
{
    const int32_t size = params->filter_height * params->filter_width * params->filter_channels;
    group g = {params, in, weights, bias, 0, size};
    int16_t small[EK_CONV_2D_S16_STACK_BYTES / sizeof(int16_t)];
    for (int32_t i = 0; i < params->in_channels; i += params->filter_channels) {
        one_group(&g, scratch != NULL ? scratch : small, out);
        g.in += params->filter_channels;
        g.weights += params->group_channels * size;
        g.bias += params->group_channels;
        g.channel += params->group_channels;
        out += params->group_channels;
    }
}
