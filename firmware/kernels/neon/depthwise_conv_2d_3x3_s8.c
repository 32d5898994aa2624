#include "edgekit/ek_depthwise_conv_2d_3x3_s8.h"

#include <string.h>

#include "edgekit/ek_neon_depthwise.h"

/* Eight output channels on their way across the image. */
typedef struct {
    const ek_depthwise_conv_2d_3x3_s8_params *params;
    ek_channels_8 these;   /* their biases have the zero point's part of `taps` taken off, */
    int32x4_t bias[2];     /* these have not */
    int16x8_t all_taps[9]; /* [along][across] */
    int16x8_t taps[9];     /* 0 in a line that lies outside the input */
    int32_t to_1, to_2;    /* the window's second and third line, from the first */
} channels;

/* A line of the input with what is needed for a line of outputs. */
typedef struct {
    const ek_channels_8 *channels;
    const int8_t *in;
    int32_t size, step; /* elements, and bytes from one to the next */
    int32_t to_1, to_2;
    int16x8_t zero_point;
} input;

/* Three elements of the input that lie across the line. */
typedef struct {
    int16x8_t v0, v1, v2;
} elements;

typedef struct {
    int32x4_t low, high;
} sums;

static EK_ALWAYS_INLINE sums products(const elements *e, const int16x8_t *taps)
{
    sums s = {vmull_s16(vget_low_s16(e->v0), vget_low_s16(taps[0])),
              ek_mull_high_s16(e->v0, taps[0])};
    s.low = vmlal_s16(s.low, vget_low_s16(e->v1), vget_low_s16(taps[1]));
    s.high = ek_mlal_high_s16(s.high, e->v1, taps[1]);
    s.low = vmlal_s16(s.low, vget_low_s16(e->v2), vget_low_s16(taps[2]));
    s.high = ek_mlal_high_s16(s.high, e->v2, taps[2]);
    return s;
}

static EK_ALWAYS_INLINE sums with_products(sums s, const elements *e, const int16x8_t *taps)
{
    s.low = vmlal_s16(s.low, vget_low_s16(e->v0), vget_low_s16(taps[0]));
    s.high = ek_mlal_high_s16(s.high, e->v0, taps[0]);
    s.low = vmlal_s16(s.low, vget_low_s16(e->v1), vget_low_s16(taps[1]));
    s.high = ek_mlal_high_s16(s.high, e->v1, taps[1]);
    s.low = vmlal_s16(s.low, vget_low_s16(e->v2), vget_low_s16(taps[2]));
    s.high = ek_mlal_high_s16(s.high, e->v2, taps[2]);
    return s;
}

/* The elements at `at`; outside of the input they are the zero point. */
static EK_ALWAYS_INLINE elements elements_at(const input *in, int32_t at, int32_t neighbours)
{
    if ((uint32_t)at >= (uint32_t)in->size) {
        const elements outside = {in->zero_point, in->zero_point, in->zero_point};
        return outside;
    }
    const int8_t *const first = in->in + at * in->step;
    const elements inside = {ek_pixel_8(in->channels, first, neighbours),
                             ek_pixel_8(in->channels, first + in->to_1, neighbours),
                             ek_pixel_8(in->channels, first + in->to_2, neighbours)};
    return inside;
}

/* One line of outputs. Each three elements are read once, and added to the outputs that see them.
 */
static EK_ALWAYS_INLINE void line(const channels *c, const int8_t *line_in, int8_t *out,
                                  int32_t stride, int32_t neighbours)
{
    const ek_depthwise_axis *const along = &c->params->along;
    const input in = {&c->these,
                      line_in,
                      along->in_size,
                      along->in_step,
                      c->to_1,
                      c->to_2,
                      vdupq_n_s16(c->params->in_zero_point)};
    const ek_scale_4 low = c->these.scale[0], high = c->these.scale[1];
    const ek_range_8 range = ek_range_8_of(&c->params->requant);
    const int16x8_t taps[9] = {c->taps[0], c->taps[1], c->taps[2], c->taps[3], c->taps[4],
                               c->taps[5], c->taps[6], c->taps[7], c->taps[8]};
    const int32_t out_step = along->out_step, count = c->these.count;
    int32_t at = -along->pad;
    elements e = elements_at(&in, at++, neighbours);
    /* the sums of the next output and, at stride 1, of the one after it */
    sums next = products(&e, taps), last = next;
    if (stride == 1) {
        e = elements_at(&in, at++, neighbours);
        next = with_products(next, &e, taps + 3);
        last = products(&e, taps);
    }
    for (int32_t left = along->out_size; left > 0; left--) {
        if (stride > 1) {
            e = elements_at(&in, at++, neighbours);
            next = with_products(next, &e, taps + 3);
        }
        e = elements_at(&in, at++, neighbours);
        next = with_products(next, &e, taps + 6);
        const int8x8_t eight = ek_outputs_8(ek_requantize_4(next.low, &low),
                                            ek_requantize_4(next.high, &high), &range);
        ek_store_s8(eight, neighbours ? 8 : count, out);
        out += out_step;
        if (stride == 1) {
            next = with_products(last, &e, taps + 3);
            last = products(&e, taps);
        } else {
            if (stride > 2) {
                e = elements_at(&in, at++, neighbours);
            }
            next = products(&e, taps);
        }
    }
}

static void one_line(const channels *c, const int8_t *in, int8_t *out)
{
    const int32_t stride = c->params->along.stride;
    if (c->these.neighbours) {
        in += c->these.from[0];
    } else {
        switch (stride) {
        case 1:
            line(c, in, out, 1, 0);
            return;
        case 2:
            line(c, in, out, 2, 0);
            return;
        default:
            line(c, in, out, 3, 0);
            return;
        }
    }
    switch (stride) {
    case 1:
        line(c, in, out, 1, 1);
        return;
    case 2:
        line(c, in, out, 2, 1);
        return;
    default:
        line(c, in, out, 3, 1);
        return;
    }
}

/* Take the taps of the window's lines `begin`..`end`-1, which lie inside the input. */
static void set_taps(channels *c, int32_t begin, int32_t end)
{
    int16x8_t sum = vdupq_n_s16(0);
    for (int32_t k = 0; k < 3; k++) {
        for (int32_t l = 0; l < 3; l++) {
            c->taps[3 * l + k] = k >= begin && k < end ? c->all_taps[3 * l + k] : vdupq_n_s16(0);
            sum = vaddq_s16(sum, c->taps[3 * l + k]);
        }
    }
    const int16_t zero = c->params->in_zero_point;
    c->these.scale[0].bias = vsubq_s32(c->bias[0], vmull_n_s16(vget_low_s16(sum), zero));
    c->these.scale[1].bias = vsubq_s32(c->bias[1], vmull_n_s16(vget_high_s16(sum), zero));
}

/* All lines of the channels; `in` and `out` are at the image. */
static void all_lines(channels *c, const int8_t *in, int8_t *out)
{
    const ek_depthwise_axis *const across = &c->params->across;
    const int32_t end_of_input = across->in_size - 1;
    int32_t was_begin = -1, was_end = -1; /* no taps are set yet */
    for (int32_t j = 0; j < across->out_size; j++) {
        const int32_t top = j * across->stride - across->pad;
        const int32_t begin = ek_clamp(-top, 0, 3), end = ek_clamp(across->in_size - top, 0, 3);
        if (begin != was_begin || end != was_end) {
            set_taps(c, begin, end);
            was_begin = begin;
            was_end = end;
        }
        /* a line outside counts nothing: the nearest one stands for it */
        const int32_t first = ek_clamp(top, 0, end_of_input);
        c->to_1 = (ek_clamp(top + 1, 0, end_of_input) - first) * across->in_step;
        c->to_2 = (ek_clamp(top + 2, 0, end_of_input) - first) * across->in_step;
        one_line(c, in + first * across->in_step, out);
        out += across->out_step;
    }
}

/* Take the taps of all channels. */
static void load_taps(channels *c, const int8_t *weights)
{
    int8_t padded[72] = {0};
    const int8_t *taps = weights + 9 * c->these.first;
    if (c->these.count < 8) {
        memcpy(padded, taps, 9 * (size_t)c->these.count);
        taps = padded;
    }
    /* each third of 24 bytes, and of those again each third of 24, is eight channels' tap */
    int8_t thirds[3][24];
    for (int32_t i = 0; i < 3; i++) {
        const int8x8x3_t by_column = vld3_s8(taps + 24 * i);
        for (int32_t k = 0; k < 3; k++) {
            vst1_s8(thirds[k] + 8 * i, by_column.val[k]);
        }
    }
    for (int32_t k = 0; k < 3; k++) {
        const int8x8x3_t by_line = vld3_s8(thirds[k]);
        for (int32_t l = 0; l < 3; l++) {
            c->all_taps[3 * l + k] = vmovl_s8(by_line.val[l]);
        }
    }
}

void ek_depthwise_conv_2d_3x3_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                                 const ek_depthwise_conv_2d_3x3_s8_params *params, int8_t *out)
{
    const int32_t outputs = params->in_channels * params->multiplier;
    for (int32_t n = params->batches; n > 0; n--) {
        for (int32_t o = 0; o < outputs; o += 8) {
            channels c = {.params = params};
            c.these = ek_channels_8_of(o, outputs, params->multiplier, bias, &params->requant,
                                       params->requant_step);
            c.bias[0] = c.these.scale[0].bias;
            c.bias[1] = c.these.scale[1].bias;
            load_taps(&c, weights);
            all_lines(&c, in, out + c.these.first);
        }
        in += params->in_bytes;
        out += params->out_bytes;
    }
}
