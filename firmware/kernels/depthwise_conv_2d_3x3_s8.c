#include "edgekit/ek_depthwise_conv_2d_3x3_s8.h"

/* One output channel on its way through the image. */
typedef struct {
    uint32_t bias;
    int32_t taps[3][3]; /* [kx][ky]; 0 where the row ky lies outside the input */
    uint32_t folded;    /* bias minus the zero point's part of these taps */
    int32_t multiplier, shift;
} channel_state;

/* Keep the taps of rows `begin`..`end`-1 of the window. */
static void set_rows(channel_state *c, const int8_t *weights, int32_t zero_point, int32_t begin,
                     int32_t end)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < 3; ky++) {
        for (int32_t kx = 0; kx < 3; kx++) {
            const int32_t tap = ky >= begin && ky < end ? *weights : 0;
            c->taps[kx][ky] = tap;
            sum += tap;
            weights++;
        }
    }
    c->folded = c->bias - (uint32_t)(zero_point * sum);
}

/* One output row. Each input column is read once and added to the three outputs that see it. */
static void one_row(const channel_state *c, const ek_depthwise_conv_2d_params *p,
                    const int8_t *const rows[3], int8_t *out)
{
    const int32_t channels = p->in_channels, zero_point = p->in_zero_point;
    const int32_t out_channels = channels * p->multiplier;
    const int8_t *in = rows[0];
    const int32_t to_1 = (int32_t)(rows[1] - rows[0]), to_2 = (int32_t)(rows[2] - rows[0]);
    int32_t column = -p->pad_left, columns = 3;
    int32_t next = 0, last = 0; /* the sums of the next output and of the one after it */
    for (int32_t x = p->out_width; x > 0; x--) {
        int32_t sum;
        do {
            int32_t v0 = zero_point, v1 = zero_point, v2 = zero_point;
            if ((uint32_t)column < (uint32_t)p->in_width) {
                v0 = in[0];
                v1 = in[to_1];
                v2 = in[to_2];
                in += channels;
            }
            column++;
            sum = next + v0 * c->taps[2][0] + v1 * c->taps[2][1] + v2 * c->taps[2][2];
            next = last + v0 * c->taps[1][0] + v1 * c->taps[1][1] + v2 * c->taps[1][2];
            last = v0 * c->taps[0][0] + v1 * c->taps[0][1] + v2 * c->taps[0][2];
        } while (--columns > 0);
        columns = p->stride_x;
        const int32_t value =
            ek_requantize((int32_t)((uint32_t)sum + c->folded), c->multiplier, c->shift);
        *out = (int8_t)ek_clamp(value + p->requant.zero_point, p->requant.min, p->requant.max);
        out += out_channels;
    }
}

/* One output channel of one image; `in` and `out` are at the channel. */
static void one_channel(channel_state *c, const ek_depthwise_conv_2d_params *p, const int8_t *in,
                        const int8_t *weights, int8_t *out)
{
    const int32_t row_bytes = p->in_width * p->in_channels;
    int32_t was_begin = 0, was_end = -1;
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        const int32_t begin = top >= 0 ? 0 : -top, end = ek_clamp(p->in_height - top, 0, 3);
        if (begin != was_begin || end != was_end) {
            was_begin = begin;
            was_end = end;
            set_rows(c, weights, p->in_zero_point, begin, end);
        }
        const int8_t *rows[3];
        for (int32_t ky = 0; ky < 3; ky++) { /* a row outside counts nothing: any will do */
            rows[ky] = ky >= begin && ky < end ? in + (top + ky) * row_bytes : in;
        }
        one_row(c, p, rows, out);
        out += p->out_width * p->in_channels * p->multiplier;
    }
}

void ek_depthwise_conv_2d_3x3_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                                 const ek_depthwise_conv_2d_params *params, int8_t *out)
{
    const ek_depthwise_conv_2d_params *const p = params;
    const int32_t channels = p->in_channels * p->multiplier;
    for (int32_t n = p->batches; n > 0; n--) {
        const int8_t *source = in;
        int32_t left = p->multiplier;
        for (int32_t o = 0; o < channels; o++) {
            channel_state c = {
                .bias = (uint32_t)bias[o],
                .multiplier = p->requant.multiplier[o * p->requant_step],
                .shift = p->requant.shift[o * p->requant_step],
            };
            one_channel(&c, p, source, weights + o * 9, out + o);
            if (--left == 0) {
                left = p->multiplier;
                source++;
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * channels;
    }
}
