#include "edgekit/ek_depthwise_conv_2d_s16.h"

/* The taps of a window that lie inside the input, along one axis. */
typedef struct {
    int32_t begin, end;
} taps;

/* Of a window of `size` taps whose first one is at `start`. */
static taps inside(int32_t start, int32_t size, int32_t dilation, int32_t in_size)
{
    taps t = {0, size};
    while (t.begin < t.end && start + t.begin * dilation < 0) {
        t.begin++;
    }
    while (t.begin < t.end && start + (t.end - 1) * dilation >= in_size) {
        t.end--;
    }
    return t;
}

/* Add the taps [ky][kx] of two pixels to `sums`; `in` is the first one's first tap at a channel,
 * the second one's is `distance` further on, `w` are the weights of that tap. */
static void two_pixels(const ek_depthwise_conv_2d_s16_params *p, const int16_t *in, const int8_t *w,
                       int32_t ky, int32_t kx, int32_t distance, int64_t sums[2])
{
    const int32_t step = p->dilation_x * p->in_channels;
    const int32_t row_step = p->dilation_y * p->in_width * p->in_channels;
    while (ky > 0) {
        int32_t rows = ky < p->run_rows ? ky : p->run_rows;
        int32_t s0 = 0, s1 = 0;
        ky -= rows;
        for (; rows > 0; rows--) {
            const int16_t *a = in;
            const int8_t *v = w;
            for (int32_t i = kx; i > 0; i--) {
                const int32_t x = *v++;
                s0 += a[0] * x;
                s1 += a[distance] * x;
                a += step;
            }
            in += row_step;
            w += p->filter_width;
        }
        sums[0] += s0;
        sums[1] += s1;
    }
}

/* One output row of channel `o`, whose input begins at `in` and weights at `w`. Pixels at the
 * edges, and one that is left of the others, are computed twice. */
static void one_row(const ek_depthwise_conv_2d_s16_params *p, const int16_t *in, const int8_t *w,
                    int64_t bias, int32_t o, int32_t top, int16_t *out)
{
    const taps y = inside(top, p->filter_height, p->dilation_y, p->in_height);
    const int16_t *const row = in + (top + y.begin * p->dilation_y) * p->in_width * p->in_channels;
    const int32_t out_step = p->in_channels * p->multiplier;
    int32_t x = 0;
    while (x < p->out_width) {
        const int32_t full = x >= p->full_begin && x < p->full_end;
        const int32_t second = full && x + 1 < p->full_end;
        const int32_t left = x * p->stride_x - p->pad_left;
        taps k = {0, p->filter_width};
        if (!full) {
            k = inside(left, p->filter_width, p->dilation_x, p->in_width);
        }
        int64_t sums[2] = {bias, bias};
        if (y.begin < y.end && k.begin < k.end) {
            two_pixels(p, row + (left + k.begin * p->dilation_x) * p->in_channels,
                       w + y.begin * p->filter_width + k.begin, y.end - y.begin, k.end - k.begin,
                       second * p->stride_x * p->in_channels, sums);
        }
        out[0] = ek_requantize_s16(sums[0], &p->requant, o * p->requant_step);
        out[second * out_step] = ek_requantize_s16(sums[1], &p->requant, o * p->requant_step);
        x += 1 + second;
        out += (1 + second) * out_step;
    }
}

void ek_depthwise_conv_2d_s16(const int16_t *in, const int8_t *weights, const int64_t *bias,
                              const ek_depthwise_conv_2d_s16_params *params, int16_t *out)
{
    const ek_depthwise_conv_2d_s16_params *const p = params;
    const int32_t channels = p->in_channels * p->multiplier;
    const int32_t filter_size = p->filter_height * p->filter_width;
    for (int32_t n = p->batches; n > 0; n--) {
        const int16_t *source = in;
        int32_t left = p->multiplier;
        for (int32_t o = 0; o < channels; o++) {
            for (int32_t y = 0; y < p->out_height; y++) {
                one_row(p, source, weights + o * filter_size, bias[o], o,
                        y * p->stride_y - p->pad_top, out + y * p->out_width * channels + o);
            }
            if (--left == 0) {
                left = p->multiplier;
                source++;
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * channels;
    }
}
