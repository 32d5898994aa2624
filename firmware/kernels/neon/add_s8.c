#include "edgekit/ek_add_s8.h"

#include "edgekit/ek_neon_requantize.h"

/* The parameters as vectors; all sums are halved, which is exact: they are even. */
typedef struct {
    int32x4_t unit, offset, factor;
    int16x8_t zero_point;
    int32x4_t multiplier, right;               /* of b; minus bits */
    int32x4_t output_multiplier, output_right; /* likewise */
    ek_range_8 range;
} constants;

static constants constants_of(const ek_add_s8_params *p)
{
    const ek_output *const o = &p->output;
    const constants made = {
        vdupq_n_s32(p->unit / 2),
        vdupq_n_s32(p->offset / 2),
        vdupq_n_s32(p->factor / 2),
        vdupq_n_s16((int16_t)p->zero_point),
        vdupq_n_s32(p->multiplier),
        vdupq_n_s32(-p->shift),
        vdupq_n_s32(o->multiplier),
        vdupq_n_s32(-o->shift),
        {vdupq_n_s32(o->zero_point), vdup_n_s8((int8_t)o->min), vdup_n_s8((int8_t)o->max)},
    };
    return made;
}

/* Four outputs before their zero point is added. Both times 1 is taken from what is below 0, and
 * then rounding ties towards +infinity is rounding them away from zero. */
static EK_ALWAYS_INLINE int32x4_t four(int16x4_t a, int16x4_t b, const constants *c)
{
    const int32x4_t x = vshlq_n_s32(vmovl_s16(b), 20);
    int32x4_t scaled = vsraq_n_s32(vqrdmulhq_s32(x, c->multiplier), x, 31);
    scaled = vrshlq_s32(scaled, c->right);
    const int32x4_t exact = vmlaq_s32(c->offset, vmovl_s16(a), c->unit);
    const int32x4_t sum = vmlaq_s32(exact, scaled, c->factor);
    const int32x4_t y = vsraq_n_s32(vqrdmulhq_s32(sum, c->output_multiplier), sum, 31);
    return vrshlq_s32(y, c->output_right);
}

static EK_ALWAYS_INLINE int8x8_t eight(int8x8_t a, int8x8_t b, const constants *c)
{
    const int16x8_t wide_a = vmovl_s8(a), wide_b = vsubq_s16(vmovl_s8(b), c->zero_point);
    const int32x4_t low = four(vget_low_s16(wide_a), vget_low_s16(wide_b), c);
    const int32x4_t high = four(vget_high_s16(wide_a), vget_high_s16(wide_b), c);
    return ek_outputs_8(low, high, &c->range);
}

/* The next `count` elements of an input, or one of them so many times. */
static EK_ALWAYS_INLINE int8x8_t load(const int8_t *in, int32_t step, int32_t count)
{
    return step == 0 ? vdup_n_s8(*in) : ek_load_s8(in, count);
}

static void add_row(const int8_t *a, const int8_t *b, const ek_walk *walk, const constants *c,
                    int8_t *out)
{
    const int32_t step_a = walk->step_a, step_b = walk->step_b;
    int32_t left = walk->row;
    for (; left >= 8; left -= 8) {
        vst1_s8(out, eight(load(a, step_a, 8), load(b, step_b, 8), c));
        a += 8 * step_a;
        b += 8 * step_b;
        out += 8;
    }
    if (left > 0) { /* `out` may be `a` or `b`: nothing may be computed twice */
        ek_store_s8(eight(load(a, step_a, left), load(b, step_b, left), c), left, out);
    }
}

void ek_add_s8(const int8_t *a, const int8_t *b, const ek_add_s8_params *params, int8_t *out)
{
    const constants c = constants_of(params);
    ek_walk_at at = {0};
    for (int32_t rows = params->walk.rows; rows > 0; rows--) {
        add_row(a + at.a, b + at.b, &params->walk, &c, out);
        out += params->walk.row;
        ek_walk_next(&at, &params->walk);
    }
}
