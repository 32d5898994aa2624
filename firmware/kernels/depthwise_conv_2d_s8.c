#include "edgekit/ek_depthwise_conv_2d_s8.h"

/* One output channel on its way through the image. */
typedef struct {
    const int8_t *weights; /* [filter_height][filter_width] */
    uint32_t bias;
    uint32_t folded; /* bias minus the zero point's part of window rows ky_begin..ky_end-1 */
    int32_t channel;
    int32_t ky_begin, ky_end; /* the window's rows that lie inside the input */
} channel_state;

/* Taking the zero point out of the bias once saves taking it from every input. */
static void fold_zero_point(channel_state *c, const ek_depthwise_conv_2d_s8_params *p)
{
    const int8_t *w = c->weights + c->ky_begin * p->filter_width;
    int32_t sum = 0;
    for (int32_t i = (c->ky_end - c->ky_begin) * p->filter_width; i > 0; i--) {
        sum += *w++;
    }
    c->folded = c->bias - (uint32_t)(p->in_zero_point * sum);
}

static int8_t finish(const channel_state *c, const ek_depthwise_conv_2d_s8_params *p, uint32_t bias,
                     int32_t sum)
{
    return ek_requantize_s8(bias + (uint32_t)sum, &p->requant, c->channel * p->requant_step);
}

/* Two pixels whose windows are whole from left to right; `row` is the first tap of the first one
 * at window row ky_begin, the second one is `distance` further on. */
static void two_pixels(const channel_state *c, const ek_depthwise_conv_2d_s8_params *p,
                       const int8_t *row, int32_t distance, int32_t sums[2])
{
    const int32_t step = p->dilation_x * p->in_channels;
    const int32_t row_step = p->dilation_y * p->in_width * p->in_channels;
    const int8_t *w = c->weights + c->ky_begin * p->filter_width;
    int32_t s0 = 0, s1 = 0;
    for (int32_t ky = c->ky_end - c->ky_begin; ky > 0; ky--) {
        const int8_t *a = row;
        for (int32_t kx = p->filter_width; kx > 0; kx--) {
            const int32_t v = *w++;
            s0 += a[0] * v;
            s1 += a[distance] * v;
            a += step;
        }
        row += row_step;
    }
    sums[0] = s0;
    sums[1] = s1;
}

/* One pixel whose window may end outside the input; `row` is the input at window row ky_begin,
 * `column` that of the window's first tap. */
static int32_t one_pixel(const channel_state *c, const ek_depthwise_conv_2d_s8_params *p,
                         const int8_t *row, int32_t column)
{
    const int8_t *w = c->weights + c->ky_begin * p->filter_width;
    int32_t sum = 0;
    for (int32_t ky = c->ky_end - c->ky_begin; ky > 0; ky--) {
        int32_t x = column;
        for (int32_t kx = p->filter_width; kx > 0; kx--) {
            if (x >= 0 && x < p->in_width) {
                sum += (row[x * p->in_channels] - p->in_zero_point) * *w;
            }
            x += p->dilation_x;
            w++;
        }
        row += p->dilation_y * p->in_width * p->in_channels;
    }
    return sum;
}

/* One output row; where one pixel is left of the whole windows it is computed twice. */
static void one_row(const channel_state *c, const ek_depthwise_conv_2d_s8_params *p,
                    const int8_t *row, int8_t *out)
{
    const int32_t out_step = p->in_channels * p->multiplier;
    int32_t column = -p->pad_left;
    int32_t x = 0;
    while (x < p->out_width) {
        int32_t pixels = 1;
        if (x < p->full_begin || x >= p->full_end) {
            *out = finish(c, p, c->bias, one_pixel(c, p, row, column));
        } else {
            pixels = x + 1 < p->full_end ? 2 : 1;
            int32_t sums[2];
            two_pixels(c, p, row + column * p->in_channels,
                       (pixels - 1) * p->stride_x * p->in_channels, sums);
            out[0] = finish(c, p, c->folded, sums[0]);
            out[(pixels - 1) * out_step] = finish(c, p, c->folded, sums[1]);
        }
        x += pixels;
        column += pixels * p->stride_x;
        out += pixels * out_step;
    }
}

/* One output channel of one image; `in` and `out` are at the channel. */
static void one_channel(channel_state *c, const ek_depthwise_conv_2d_s8_params *p, const int8_t *in,
                        int8_t *out)
{
    const int32_t row_bytes = p->in_width * p->in_channels;
    c->ky_end = -1; /* nothing is folded yet */
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        int32_t begin = 0, end = p->filter_height;
        while (begin < end && top + begin * p->dilation_y < 0) {
            begin++;
        }
        while (begin < end && top + (end - 1) * p->dilation_y >= p->in_height) {
            end--;
        }
        if (begin != c->ky_begin || end != c->ky_end) {
            c->ky_begin = begin;
            c->ky_end = end;
            fold_zero_point(c, p);
        }
        one_row(c, p, begin < end ? in + (top + begin * p->dilation_y) * row_bytes : in, out);
        out += p->out_width * p->in_channels * p->multiplier;
    }
}

void ek_depthwise_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                             const ek_depthwise_conv_2d_s8_params *params, int8_t *out)
{
    const ek_depthwise_conv_2d_s8_params *const p = params;
    const int32_t channels = p->in_channels * p->multiplier;
    for (int32_t n = p->batches; n > 0; n--) {
        const int8_t *source = in;
        int32_t left = p->multiplier;
        for (int32_t o = 0; o < channels; o++) {
            channel_state c = {
                .weights = weights + o * p->filter_height * p->filter_width,
                .bias = (uint32_t)bias[o],
                .channel = o,
            };
            one_channel(&c, p, source, out + o);
            if (--left == 0) {
                left = p->multiplier;
                source++;
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * channels;
    }
}
