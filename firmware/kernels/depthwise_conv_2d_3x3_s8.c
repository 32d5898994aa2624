#include "edgekit/ek_depthwise_conv_2d_3x3_s8.h"

/* One output channel on its way across the image. */
typedef struct {
    const ek_depthwise_conv_2d_3x3_s8_params *params;
    int8_t taps[9]; /* [along][across]; 0 in a line that lies outside the input */
    uint32_t bias;  /* with the zero point's part of these taps taken off */
    int32_t multiplier, shift;
    int32_t to_1, to_2; /* the window's second and third line, from the first */
} channel;

/* Set the taps for the window's lines `begin`..`end`-1, which lie inside the input. */
static void set_taps(channel *c, const int8_t *weights, int32_t begin, int32_t end, int32_t bias)
{
    int32_t sum = 0, k = 0;
    for (int32_t i = 0; i < 9; i++) {
        c->taps[i] = k >= begin && k < end ? weights[i] : 0;
        sum += c->taps[i];
        k = k < 2 ? k + 1 : 0;
    }
    c->bias = (uint32_t)bias - (uint32_t)(c->params->in_zero_point * sum);
}

/* One line of outputs. Each three elements of the input that lie across it are read once and added
 * to the three outputs that see them. */
static void one_line(const channel *c, const int8_t *in, int8_t *out)
{
    const ek_depthwise_conv_2d_3x3_s8_params *const p = c->params;
    const int32_t in_size = p->along.in_size;
    int32_t at = -p->along.pad, wait = 3;
    int32_t next = 0, last = 0; /* the sums of the next output and of the one after it */
    int32_t left = p->along.out_size;
    do {
        int32_t v0 = p->in_zero_point, v1 = v0, v2 = v0;
        if ((uint32_t)at < (uint32_t)in_size) {
            v0 = in[0];
            v1 = in[c->to_1];
            v2 = in[c->to_2];
            in += p->along.in_step;
        }
        at++;
        const int8_t *const taps = c->taps;
        int32_t sum = next + v0 * taps[6] + v1 * taps[7] + v2 * taps[8];
        next = last + v0 * taps[3] + v1 * taps[4] + v2 * taps[5];
        last = v0 * taps[0] + v1 * taps[1] + v2 * taps[2];
        if (--wait == 0) {
            wait = p->along.stride;
            sum = ek_requantize((int32_t)(c->bias + (uint32_t)sum), c->multiplier, c->shift);
            sum = ek_wrapping_add(sum, p->requant.zero_point);
            *out = (int8_t)ek_clamp(sum, p->requant.min, p->requant.max);
            out += p->along.out_step;
            left--;
        }
    } while (left > 0);
}

/* All lines of one output channel; `in` and `out` are at the channel. */
static void all_lines(channel *c, const int8_t *in, const int8_t *weights, int32_t bias,
                      int8_t *out)
{
    const ek_depthwise_axis *const across = &c->params->across;
    const int32_t end_of_input = across->in_size - 1;
    int32_t was_begin = -1, was_end = -1; /* no taps are set yet */
    for (int32_t j = 0; j < across->out_size; j++) {
        const int32_t top = j * across->stride - across->pad;
        const int32_t begin = ek_clamp(-top, 0, 3), end = ek_clamp(across->in_size - top, 0, 3);
        if (begin != was_begin || end != was_end) {
            set_taps(c, weights, begin, end, bias);
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

void ek_depthwise_conv_2d_3x3_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                                 const ek_depthwise_conv_2d_3x3_s8_params *params, int8_t *out)
{
    channel c = {.params = params};
    for (int32_t n = params->batches; n > 0; n--) {
        int32_t o = 0;
        for (int32_t i = 0; i < params->in_channels; i++) {
            for (int32_t m = params->multiplier; m > 0; m--) {
                c.multiplier = params->requant.multiplier[o * params->requant_step];
                c.shift = params->requant.shift[o * params->requant_step];
                all_lines(&c, in + i, weights + o * 9, bias[o], out + o);
                o++;
            }
        }
        in += params->in_bytes;
        out += params->out_bytes;
    }
}
