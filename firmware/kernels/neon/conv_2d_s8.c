#include "edgekit/ek_conv_2d_s8.h"

#include <string.h>

#include "edgekit/ek_neon_dot.h"

/* The channels of one group, where its input, weights and outputs begin. */
typedef struct {
    const ek_conv_2d_s8_params *params;
    const int8_t *in;
    ek_rows_4 rows; /* as large as windows */
    ek_scales scales;
    int32_t narrow; /* no weight is -128; with SDOT it does not matter */
} group;

/* Both without a call: what they copy and fill is often a few bytes. The last bytes may come twice.
 */
static inline int8_t *copied(const int8_t *from, int32_t n, int8_t *to)
{
    int8_t *const end = to + n;
    if (n >= 8) {
        const int8_t *const last = from + n - 8;
        for (; n >= 16; n -= 16) {
            vst1q_s8(to, vld1q_s8(from));
            from += 16;
            to += 16;
        }
        if (n > 8) {
            vst1_s8(to, vld1_s8(from));
        }
        vst1_s8(end - 8, vld1_s8(last));
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(end - 4, from + n - 4, 4);
    } else {
        while (to != end) {
            *to++ = *from++;
        }
    }
    return end;
}

static inline int8_t *filled(int32_t value, int32_t n, int8_t *to)
{
    int8_t *const end = to + n;
    const int8x8_t eight = vdup_n_s8((int8_t)value);
    if (n >= 8) {
        for (; n > 8; n -= 8) {
            vst1_s8(to, eight);
            to += 8;
        }
        vst1_s8(end - 8, eight);
    } else {
        while (to != end) {
            *to++ = (int8_t)value;
        }
    }
    return end;
}

/* Taps of one row of a window that lie side by side, in bytes. */
typedef struct {
    int32_t before, inside, after; /* the input */
    int32_t offset;                /* from the input's row to the first one inside */
} piece;

/* `taps` of them from column `x` on. */
static inline piece piece_at(const ek_conv_2d_s8_params *p, int32_t x, int32_t taps)
{
    const int32_t begin = ek_clamp(-x, 0, taps), end = ek_clamp(p->in_width - x, begin, taps);
    const int32_t size = p->filter_channels;
    const piece made = {begin * size, (end - begin) * size, (taps - end) * size,
                        (x + begin) * p->in_channels};
    return made;
}

/* Those outside become the zero point. */
static inline int8_t *copy_piece(const piece *one, const int8_t *row, int32_t zero_point,
                                 int8_t *to)
{
    if (one->before > 0) {
        to = filled(zero_point, one->before, to);
    }
    if (one->inside > 0) {
        to = copied(row + one->offset, one->inside, to);
    }
    return one->after > 0 ? filled(zero_point, one->after, to) : to;
}

/* Copy the window whose first tap is at row `y`, column `x`. */
static void copy_window(const ek_conv_2d_s8_params *p, const int8_t *in, int32_t y, int32_t x,
                        int8_t *to)
{
    const int32_t in_row = p->in_width * p->in_channels, zero_point = p->in_zero_point;
    const int32_t width = p->filter_width, row_size = width * p->filter_channels;
    const int32_t dilation_y = p->dilation_y, reach = (p->filter_height - 1) * dilation_y;
    const int32_t taps = p->dilation_x * p->in_channels == p->filter_channels ? width : 1;
    const piece first = piece_at(p, x, taps); /* mostly all of the row */
    if (first.inside == row_size && y >= 0 && y < p->in_height - reach) {
        const int8_t *row = in + y * in_row + first.offset;
        for (int32_t ky = p->filter_height; ky > 0; ky--) {
            to = copied(row, row_size, to);
            row += dilation_y * in_row;
        }
        return;
    }
    for (int32_t ky = p->filter_height; ky > 0; ky--) {
        if (y < 0 || y >= p->in_height) {
            to = filled(zero_point, row_size, to);
        } else {
            const int8_t *const row = in + y * in_row;
            to = copy_piece(&first, row, zero_point, to);
            for (int32_t kx = taps; kx < width; kx += taps) {
                const piece next = piece_at(p, x + kx * p->dilation_x, taps);
                to = copy_piece(&next, row, zero_point, to);
            }
        }
        y += dilation_y;
    }
}

/* Windows lie on the stack if there is room for as many as can be computed together: twice as many
 * as in the scratch. */
#define STACK_BYTES 2560

/* Pixels that are computed together, if all their windows are at hand. */
#define MOST_PIXELS (EK_NEON_64 ? 4 : 2)

/* All channels of `pixels` (2 or 4) pixels, four channels at a time. */
static EK_ALWAYS_INLINE void some_pixels(const group *g, const int8_t *const windows[],
                                         int8_t *const outs[], int32_t narrow, int32_t pixels)
{
    /* copies of their own, which outputs surely do not overwrite */
    const ek_rows_4 rows = g->rows;
    const ek_scales scales = g->scales;
    const ek_range_8 range = ek_range_8_of(&g->params->requant);
    const int32_t together = scales.four ? 4 : 1, last = g->params->group_channels - together;
    int8_t *const out0 = outs[0], *const out1 = outs[1];
    int8_t *const out2 = outs[pixels - 2], *const out3 = outs[pixels - 1];
    for (int32_t c = 0;;) {
        int32x4_t sums[4];
        ek_dot_4(windows, &rows, c, narrow, pixels, sums);
        const ek_scale_4 scale = ek_scale_4_of(&scales, c);
        const int8x8_t first = ek_outputs_8(ek_requantize_4(sums[0], &scale),
                                            ek_requantize_4(sums[1], &scale), &range);
        ek_store_2x4(first, scales.four, out0 + c, out1 + c);
        if (pixels > 2) {
            const int8x8_t second = ek_outputs_8(ek_requantize_4(sums[2], &scale),
                                                 ek_requantize_4(sums[3], &scale), &range);
            ek_store_2x4(second, scales.four, out2 + c, out3 + c);
        }
        if (c == last) {
            return;
        }
        c = c + together < last ? c + together : last; /* some of the last four may come again */
    }
}

static void all_channels(const group *g, const int8_t *windows[], int8_t *outs[], int32_t pixels)
{
    const int32_t narrow = EK_NEON_DOT || g->narrow;
    if (pixels == 1) {
        windows[1] = windows[0];
        outs[1] = outs[0];
    }
    if (MOST_PIXELS > 2 && pixels > 2) {
        if (narrow) {
            some_pixels(g, windows, outs, 1, 4);
        } else {
            some_pixels(g, windows, outs, 0, 4);
        }
    } else if (narrow) {
        some_pixels(g, windows, outs, 1, 2);
    } else {
        some_pixels(g, windows, outs, 0, 2);
    }
}

/* `copies`: room for `most` windows (2 or MOST_PIXELS). */
static void one_group(const group *g, int8_t *copies, int32_t most, int8_t *out)
{
    const ek_conv_2d_s8_params *const p = g->params;
    const int8_t *in = g->in, *windows[MOST_PIXELS];
    int8_t *outs[MOST_PIXELS];
    int32_t have = 0;
    for (int32_t n = 0; n < p->batches; n++) {
        for (int32_t y = 0; y < p->out_height; y++) {
            const int32_t top = y * p->stride_y - p->pad_top;
            int32_t left = -p->pad_left;
            for (int32_t x = p->out_width; x > 0; x--) {
                if (p->whole_pixels) {
                    windows[have] = in + (top * p->in_width + left) * p->in_channels;
                } else {
                    windows[have] = copies + have * g->rows.size;
                    copy_window(p, in, top, left, copies + have * g->rows.size);
                }
                left += p->stride_x;
                outs[have] = out;
                out += p->out_channels;
                have++;
                if (have == most) {
                    all_channels(g, windows, outs, most);
                    have = 0;
                }
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
    }
    for (int32_t done = 0; done < have; done += 2) {
        all_channels(g, windows + done, outs + done, have - done < 2 ? 1 : 2);
    }
}

void ek_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                   const ek_conv_2d_s8_params *params, int8_t *scratch, int8_t *out)
{
    const int32_t size = params->filter_height * params->filter_width * params->filter_channels;
    const int32_t channels = params->group_channels, step = params->requant_step;
    const ek_requant_s8 *const r = &params->requant;
    group g = {.params = params, .in = in};
    g.rows = ek_rows_4_of(weights, size, channels);
    g.scales = (ek_scales){bias, r->multiplier, r->shift, step, channels >= 4};
    g.narrow = EK_NEON_DOT || !ek_has_lowest(weights, params->out_channels * size);
    int8_t windows[STACK_BYTES];
    const int32_t on_stack = MOST_PIXELS * size <= STACK_BYTES;
    const int32_t most = on_stack || params->whole_pixels ? MOST_PIXELS : 2;
    for (int32_t i = 0; i < params->in_channels; i += params->filter_channels) {
        one_group(&g, on_stack ? windows : scratch, most, out);
        g.in += params->filter_channels;
        g.rows.weights += channels * size;
        g.scales.bias += channels;
        g.scales.multiplier += channels * step;
        g.scales.shift += channels * step;
        out += channels;
    }
}
