#include "edgekit/ek_conv_2d_s8.h"

#include "edgekit/ek_dot_s8.h"

/* Two output channels are computed together; where only one is left it is computed twice. */
typedef struct {
    const int8_t *weights[2];
    uint32_t bias[2];
    uint32_t folded[2]; /* bias minus the zero point's part of window rows ky_begin..ky_end-1 */
    int32_t channel[2];
    int32_t ky_begin, ky_end; /* the window's rows that lie inside the input */
} channel_pair;

static void store(const channel_pair *c, const ek_conv_2d_s8_params *p, const uint32_t bias[2],
                  const int32_t *sums, int8_t *out)
{
    for (int32_t j = 0; j < 2; j++) {
        const int32_t o = c->channel[j];
        out[o] = ek_requantize_s8(bias[j] + (uint32_t)sums[j], &p->requant, o * p->requant_step);
    }
}

/* Taking the zero point out of the bias once saves taking it from every input. */
static void fold_zero_point(channel_pair *c, const ek_conv_2d_s8_params *p)
{
    const int32_t row = p->filter_width * p->filter_channels;
    for (int32_t j = 0; j < 2; j++) {
        const int8_t *w = c->weights[j] + c->ky_begin * row;
        int32_t sum = 0;
        for (int32_t i = (c->ky_end - c->ky_begin) * row; i > 0; i--) {
            sum += *w++;
        }
        c->folded[j] = c->bias[j] - (uint32_t)(p->in_zero_point * sum);
    }
}

/* Two pixels whose windows are whole from left to right; `a` is the first tap of the first one at
 * window row ky_begin, the second pixel is `distance` further on. */
static void two_pixels(const channel_pair *c, const ek_conv_2d_s8_params *p, const int8_t *a,
                       int32_t distance, int8_t *out)
{
    const int32_t run_step = p->dilation_x * p->in_channels;
    int32_t run = p->filter_channels, runs = p->filter_width;
    if (run_step == run) { /* a row of the window lies in one piece */
        run *= runs;
        runs = 1;
    }
    const int32_t row_step = p->dilation_y * p->in_width * p->in_channels - runs * run_step;
    const int32_t begin = c->ky_begin * runs * run;
    const int8_t *w0 = c->weights[0] + begin, *w1 = c->weights[1] + begin;
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t ky = c->ky_end - c->ky_begin; ky > 0; ky--) {
        for (int32_t i = runs; i > 0; i--) {
            ek_dot_2x2_s8(a, a + distance, w0, w1, run, sums);
            a += run_step;
            w0 += run;
            w1 += run;
        }
        a += row_step;
    }
    store(c, p, c->folded, sums, out);
    store(c, p, c->folded, sums + 2, distance == 0 ? out : out + p->out_channels);
}

/* One pixel whose window may end outside the input; `row` is the input at window row ky_begin,
 * `column` that of the window's first tap. */
static void one_pixel(const channel_pair *c, const ek_conv_2d_s8_params *p, const int8_t *row,
                      int32_t column, int8_t *out)
{
    const int32_t run = p->filter_channels;
    const int32_t begin = c->ky_begin * p->filter_width * run;
    const int8_t *w0 = c->weights[0] + begin, *w1 = c->weights[1] + begin;
    int32_t sums[2] = {0, 0};
    for (int32_t ky = c->ky_end - c->ky_begin; ky > 0; ky--) {
        int32_t x = column;
        for (int32_t kx = p->filter_width; kx > 0; kx--) {
            if (x >= 0 && x < p->in_width) {
                ek_dot_1x2_s8(row + x * p->in_channels, p->in_zero_point, w0, w1, run, sums);
            }
            x += p->dilation_x;
            w0 += run;
            w1 += run;
        }
        row += p->dilation_y * p->in_width * p->in_channels;
    }
    store(c, p, c->bias, sums, out);
}

static void one_row(const channel_pair *c, const ek_conv_2d_s8_params *p, const int8_t *row,
                    int8_t *out)
{
    const int32_t distance = p->stride_x * p->in_channels;
    int32_t column = -p->pad_left;
    int32_t x = 0;
    while (x < p->out_width) {
        int32_t pixels = 1;
        if (x < p->full_begin || x >= p->full_end) {
            one_pixel(c, p, row, column, out);
        } else {
            pixels = x + 1 < p->full_end ? 2 : 1;
            two_pixels(c, p, row + column * p->in_channels, pixels == 2 ? distance : 0, out);
        }
        x += pixels;
        column += pixels * p->stride_x;
        out += pixels * p->out_channels;
    }
}

static void all_rows(channel_pair *c, const ek_conv_2d_s8_params *p, const int8_t *in, int8_t *out)
{
    const int32_t row_bytes = p->in_width * p->in_channels;
    c->ky_begin = c->ky_end = -1; /* nothing is folded yet */
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
        out += p->out_width * p->out_channels;
    }
}

/* The output channels of one group; `in` and the first channel of `out` are the group's. */
static void one_group(const ek_conv_2d_s8_params *p, const int8_t *in, const int8_t *weights,
                      const int32_t *bias, int32_t channel, int32_t channels, int8_t *out)
{
    const int32_t size = p->filter_height * p->filter_width * p->filter_channels;
    for (int32_t o = channel; o < channel + channels; o += 2) {
        channel_pair c;
        for (int32_t j = 0; j < 2; j++) {
            const int32_t at = o + j < channel + channels ? o + j : o;
            c.channel[j] = at;
            c.weights[j] = weights + at * size;
            c.bias[j] = (uint32_t)bias[at];
        }
        all_rows(&c, p, in, out);
    }
}

void ek_conv_2d_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                   const ek_conv_2d_s8_params *params, int8_t *out)
{
    const ek_conv_2d_s8_params *const p = params;
    for (int32_t n = p->batches; n > 0; n--) {
        int32_t o = 0;
        for (int32_t i = 0; i < p->in_channels; i += p->filter_channels) {
            one_group(p, in + i, weights, bias, o, p->group_channels, out);
            o += p->group_channels;
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * p->out_channels;
    }
}
