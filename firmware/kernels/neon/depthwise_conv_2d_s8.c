#include "edgekit/ek_depthwise_conv_2d_s8.h"

#include "edgekit/ek_neon_depthwise.h"

/* The taps of no more than so many are arranged by channels once; of larger filters, each time. */
#define ARRANGED_TAPS 64

/* Eight output channels on their way through the image. */
typedef struct {
    const ek_depthwise_conv_2d_s8_params *params;
    ek_channels_8 these;
    const int8_t *weights; /* of the first one: [filter_height][filter_width] */
    int16x8_t taps[ARRANGED_TAPS];
} channels;

/* Positions begin..end-1 of the filter along one axis lie inside the input. */
typedef struct {
    int32_t begin, end;
} span;

static span inside(int32_t first, int32_t dilation, int32_t filter, int32_t size)
{
    span s = {0, filter};
    while (s.begin < s.end && first + s.begin * dilation < 0) {
        s.begin++;
    }
    while (s.begin < s.end && first + (s.end - 1) * dilation >= size) {
        s.end--;
    }
    return s;
}

/* The tap at position `k` of the filter, of each channel. */
static int16x8_t tap_of(const channels *c, int32_t taps, int32_t k)
{
    int8_t eight[8] = {0};
    for (int32_t i = 0; i < c->these.count; i++) {
        eight[i] = c->weights[i * taps + k];
    }
    return vmovl_s8(vld1_s8(eight));
}

/* One pixel, whose window's first tap is at row `top`, column `left` of the image `in`. */
static EK_ALWAYS_INLINE void one_pixel(const channels *c, const int8_t *in, int32_t top,
                                       int32_t left, span ys, span xs, int32_t neighbours,
                                       int8_t *out)
{
    const ek_depthwise_conv_2d_s8_params *const p = c->params;
    const int32_t taps = p->filter_height * p->filter_width;
    const int32_t step = p->dilation_x * p->in_channels;
    const int16x8_t zero_point = vdupq_n_s16(p->in_zero_point);
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (int32_t ky = ys.begin; ky < ys.end; ky++) {
        const int32_t y = top + ky * p->dilation_y, x = left + xs.begin * p->dilation_x;
        const int8_t *at = in + (y * p->in_width + x) * p->in_channels;
        const int32_t row = ky * p->filter_width;
        for (int32_t k = row + xs.begin; k < row + xs.end; k++) {
            const int16x8_t v = vsubq_s16(ek_pixel_8(&c->these, at, neighbours), zero_point);
            const int16x8_t w = taps <= ARRANGED_TAPS ? c->taps[k] : tap_of(c, taps, k);
            low = vmlal_s16(low, vget_low_s16(v), vget_low_s16(w));
            high = ek_mlal_high_s16(high, v, w);
            at += step;
        }
    }
    const ek_range_8 range = ek_range_8_of(&p->requant);
    const int8x8_t eight = ek_outputs_8(ek_requantize_4(low, &c->these.scale[0]),
                                        ek_requantize_4(high, &c->these.scale[1]), &range);
    ek_store_s8(eight, c->these.count, out);
}

/* All pixels of one image. */
static void all_pixels(const channels *c, const int8_t *in, int8_t *out)
{
    const ek_depthwise_conv_2d_s8_params *const p = c->params;
    const int8_t *const first = c->these.neighbours ? in + c->these.from[0] : in;
    const int32_t out_step = p->in_channels * p->multiplier;
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        const span ys = inside(top, p->dilation_y, p->filter_height, p->in_height);
        for (int32_t x = 0; x < p->out_width; x++) {
            const int32_t left = x * p->stride_x - p->pad_left;
            const span xs = x >= p->full_begin && x < p->full_end
                                ? (span){0, p->filter_width}
                                : inside(left, p->dilation_x, p->filter_width, p->in_width);
            if (c->these.neighbours) {
                one_pixel(c, first, top, left, ys, xs, 1, out);
            } else {
                one_pixel(c, first, top, left, ys, xs, 0, out);
            }
            out += out_step;
        }
    }
}

void ek_depthwise_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                             const ek_depthwise_conv_2d_s8_params *params, int8_t *out)
{
    const ek_depthwise_conv_2d_s8_params *const p = params;
    const int32_t outputs = p->in_channels * p->multiplier;
    const int32_t taps = p->filter_height * p->filter_width;
    for (int32_t n = p->batches; n > 0; n--) {
        for (int32_t o = 0; o < outputs; o += 8) {
            channels c;
            c.params = p;
            c.these =
                ek_channels_8_of(o, outputs, p->multiplier, bias, &p->requant, p->requant_step);
            c.weights = weights + c.these.first * taps;
            for (int32_t k = 0; k < taps && taps <= ARRANGED_TAPS; k++) {
                c.taps[k] = tap_of(&c, taps, k);
            }
            all_pixels(&c, in, out + c.these.first);
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * outputs;
    }
}
