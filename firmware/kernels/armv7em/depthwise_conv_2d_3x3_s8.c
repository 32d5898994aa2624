#include "edgekit/ek_depthwise_conv_2d_3x3_s8.h"

#include "edgekit/ek_simd32.h"

/* One output channel on its way across the image. All sums are doubled if they are small. */
typedef struct {
    const ek_depthwise_conv_2d_3x3_s8_params *params;
    int32_t small;        /* ek_all_small */
    int32_t first_two[3]; /* [along]: the taps in the first two lines */
    int32_t third_01;     /* those in the third line: the first two, */
    int32_t third_2;      /* and the last one */
    int32_t bias;         /* with the zero point's part of these taps taken off */
    int32_t behind_one;   /* the sum that begins with one element of padding */
    int32_t at;           /* of the channel's multiplier and shift */
    ek_small_requant requant;
    int32_t to_1, to_2; /* the window's second and third line, from the first */
} channel;

/* Set the taps for the window's lines `begin`..`end`-1, which lie inside the input. */
static void set_taps(channel *c, const int8_t *w, int32_t begin, int32_t end, int32_t bias)
{
    const int32_t factor = c->small ? 2 : 1;
    const int32_t f0 = begin == 0 && end > 0 ? factor : 0;
    const int32_t f1 = begin <= 1 && end > 1 ? factor : 0;
    const int32_t f2 = begin <= 2 && end > 2 ? factor : 0;
    const int32_t minus_zero = -c->params->in_zero_point;
    const int32_t zeros = ek_pair(minus_zero, minus_zero);
    int32_t sum = (int32_t)((uint32_t)bias * (uint32_t)factor);
    for (int32_t i = 0; i < 3; i++) {
        c->first_two[i] = ek_pair(w[3 * i] * f0, w[3 * i + 1] * f1);
        sum = ek_smlad(c->first_two[i], zeros, sum);
    }
    c->third_01 = ek_pair(w[2] * f2, w[5] * f2);
    c->third_2 = w[8] * f2;
    sum = ek_smlad(c->third_01, zeros, sum);
    c->bias = ek_smlabb(c->third_2, zeros, sum);
    const int32_t zero = c->params->in_zero_point;
    c->behind_one =
        ek_smlabb(zero, c->third_01, ek_smlad(ek_pair(zero, zero), c->first_two[0], c->bias));
}

/* The output of one sum. */
static int8_t output(const channel *c, int32_t sum)
{
    if (c->small) {
        return ek_requantize_small_s8(sum, &c->requant);
    }
    return ek_requantize_s8((uint32_t)sum, &c->params->requant, c->at);
}

/* A line of outputs on its way. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    int32_t next, last; /* the sums of the next output and of the one after it */
} line;

/* `n` outputs at stride 1, from elements that are all inside. */
static inline void step_by_1(const channel *c, line *l, int32_t n)
{
    const int32_t in_step = c->params->along.in_step, out_step = c->params->along.out_step;
    const int32_t w0 = c->first_two[0], w1 = c->first_two[1], w2 = c->first_two[2];
    const int32_t third_01 = c->third_01, third_2 = c->third_2, bias = c->bias;
    const int32_t to_1 = c->to_1, to_2 = c->to_2;
    const ek_small_requant r = c->requant;
    for (; n > 0; n--) {
        const int32_t two = ek_pair(l->in[0], l->in[to_1]), v2 = l->in[to_2];
        l->in += in_step;
        const int32_t sum = ek_smlabb(v2, third_2, ek_smlad(two, w2, l->next));
        l->next = ek_smlabt(v2, third_01, ek_smlad(two, w1, l->last));
        l->last = ek_smlabb(v2, third_01, ek_smlad(two, w0, bias));
        *l->out = ek_requantize_small_s8(sum, &r);
        l->out += out_step;
    }
}

/* The same at stride 2: of every second three elements, one output sees the middle ones only. */
static inline void step_by_2(const channel *c, line *l, int32_t n)
{
    const int32_t in_step = c->params->along.in_step, out_step = c->params->along.out_step;
    const int32_t w0 = c->first_two[0], w1 = c->first_two[1], w2 = c->first_two[2];
    const int32_t third_01 = c->third_01, third_2 = c->third_2, bias = c->bias;
    const int32_t to_1 = c->to_1, to_2 = c->to_2;
    const ek_small_requant r = c->requant;
    for (; n > 0; n--) {
        const int32_t two = ek_pair(l->in[0], l->in[to_1]), v2 = l->in[to_2];
        l->in += in_step;
        int32_t sum = ek_smlabt(v2, third_01, ek_smlad(two, w1, l->last));
        const int32_t second_two = ek_pair(l->in[0], l->in[to_1]), second_v2 = l->in[to_2];
        l->in += in_step;
        sum = ek_smlabb(second_v2, third_2, ek_smlad(second_two, w2, sum));
        l->last = ek_smlabb(second_v2, third_01, ek_smlad(second_two, w0, bias));
        *l->out = ek_requantize_small_s8(sum, &r);
        l->out += out_step;
    }
}

/* One line of outputs. Each three elements of the input that lie across it are read once and added
 * to the three outputs that see them. */
static void one_line(const channel *c, const int8_t *in, int8_t *out)
{
    const ek_depthwise_axis *const along = &c->params->along;
    const int32_t in_size = along->in_size, stride = along->stride;
    const int32_t quick = c->small && stride <= 2;
    const int32_t zero = c->params->in_zero_point, zeros = ek_pair(zero, zero);
    line l = {in, out, 0, 0};
    int32_t at = -along->pad, wait = 3, left = along->out_size;
    if (at == -1) { /* as it mostly is: the first step is known */
        l.last = c->behind_one;
        wait = 2;
        at = 0;
    }
    while (left > 0) {
        if (wait == stride && quick && (uint32_t)at < (uint32_t)in_size) {
            /* as many outputs as need no test whether their elements are inside */
            int32_t n = (in_size - at) >> (stride - 1);
            n = n < left ? n : left;
            if (stride == 1) {
                step_by_1(c, &l, n);
            } else {
                step_by_2(c, &l, n);
            }
            at += n * stride;
            left -= n;
            if (left == 0) {
                return;
            }
        }
        int32_t two = zeros, v2 = zero;
        if ((uint32_t)at < (uint32_t)in_size) {
            two = ek_pair(l.in[0], l.in[c->to_1]);
            v2 = l.in[c->to_2];
            l.in += along->in_step;
        }
        at++;
        const int32_t sum = ek_smlabb(v2, c->third_2, ek_smlad(two, c->first_two[2], l.next));
        l.next = ek_smlabt(v2, c->third_01, ek_smlad(two, c->first_two[1], l.last));
        l.last = ek_smlabb(v2, c->third_01, ek_smlad(two, c->first_two[0], c->bias));
        if (--wait == 0) {
            wait = stride;
            *l.out = output(c, sum);
            l.out += along->out_step;
            left--;
        }
    }
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
    channel c = {.params = params, .small = ek_all_small(&params->requant)};
    for (int32_t n = params->batches; n > 0; n--) {
        int32_t o = 0;
        for (int32_t i = 0; i < params->in_channels; i++) {
            for (int32_t m = params->multiplier; m > 0; m--) {
                c.at = o * params->requant_step;
                if (c.small) {
                    const ek_requant_s8 *const r = &params->requant;
                    c.requant =
                        ek_small_requant_of(r->multiplier[c.at], r->shift[c.at], ek_small_zero(r));
                }
                all_lines(&c, in + i, weights + o * 9, bias[o], out + o);
                o++;
            }
        }
        in += params->in_bytes;
        out += params->out_bytes;
    }
}
