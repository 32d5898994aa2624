/* float_kernels.h: operators of TFLite on float32, each as straightforward loops.
 *
 * They are what INT8 is measured against: one accumulator, innermost loop over neighbouring
 * memory, taps outside the input skipped by bounds that are found once for each window. No
 * blocking, no SIMD; what the compiler makes of them is its own. */
#ifndef FLOAT_KERNELS_H
#define FLOAT_KERNELS_H

#include <float.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int32_t in_height, in_width, in_channels, out_height, out_width, out_channels;
    int32_t filter_height, filter_width, stride_y, stride_x, dilation_y, dilation_x;
    int32_t pad_top, pad_left;
    float min, max; /* fused activation */
} window;

static inline int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline float clamp(float x, float min, float max)
{
    x = x < min ? min : x;
    return x > max ? max : x;
}

/* The first tap of a window that begins at `start` which lies inside 0..size-1, and the first after
 * it that does not. */
static inline int32_t first_tap(int32_t start, int32_t dilation)
{
    return start >= 0 ? 0 : (-start + dilation - 1) / dilation;
}

static inline int32_t last_tap(int32_t start, int32_t dilation, int32_t size, int32_t taps)
{
    return greater(0, lesser(taps, (size - start + dilation - 1) / dilation));
}

static inline void conv_2d(const float *in, const float *weights, const float *bias,
                           const window *p, float *out)
{
    const int32_t channels = p->in_channels;
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        const int32_t y0 = first_tap(top, p->dilation_y);
        const int32_t y1 = last_tap(top, p->dilation_y, p->in_height, p->filter_height);
        for (int32_t x = 0; x < p->out_width; x++) {
            const int32_t left = x * p->stride_x - p->pad_left;
            const int32_t x0 = first_tap(left, p->dilation_x);
            const int32_t x1 = last_tap(left, p->dilation_x, p->in_width, p->filter_width);
            const float *filter = weights;
            for (int32_t o = 0; o < p->out_channels; o++) {
                float sum = bias[o];
                for (int32_t ky = y0; ky < y1; ky++) {
                    const float *row = in + (top + ky * p->dilation_y) * p->in_width * channels;
                    for (int32_t kx = x0; kx < x1; kx++) {
                        const float *a = row + (left + kx * p->dilation_x) * channels;
                        const float *w = filter + (ky * p->filter_width + kx) * channels;
                        for (int32_t i = 0; i < channels; i++) {
                            sum += a[i] * w[i];
                        }
                    }
                }
                filter += p->filter_height * p->filter_width * channels;
                *out++ = clamp(sum, p->min, p->max);
            }
        }
    }
}

static inline void depthwise_conv_2d(const float *in, const float *weights, const float *bias,
                                     const window *p, float *out)
{
    const int32_t channels = p->out_channels, each = p->out_channels / p->in_channels;
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        const int32_t y0 = first_tap(top, p->dilation_y);
        const int32_t y1 = last_tap(top, p->dilation_y, p->in_height, p->filter_height);
        for (int32_t x = 0; x < p->out_width; x++) {
            const int32_t left = x * p->stride_x - p->pad_left;
            const int32_t x0 = first_tap(left, p->dilation_x);
            const int32_t x1 = last_tap(left, p->dilation_x, p->in_width, p->filter_width);
            for (int32_t o = 0; o < channels; o++) {
                float sum = bias[o];
                for (int32_t ky = y0; ky < y1; ky++) {
                    const float *a =
                        in + o / each +
                        ((top + ky * p->dilation_y) * p->in_width + left + x0 * p->dilation_x) *
                            p->in_channels;
                    const float *w = weights + o + (ky * p->filter_width + x0) * channels;
                    for (int32_t kx = x0; kx < x1; kx++) {
                        sum += *a * *w;
                        a += p->dilation_x * p->in_channels;
                        w += channels;
                    }
                }
                *out++ = clamp(sum, p->min, p->max);
            }
        }
    }
}

static inline void fully_connected(const float *in, const float *weights, const float *bias,
                                   int32_t rows, int32_t inputs, int32_t outputs, float min,
                                   float max, float *out)
{
    for (int32_t n = 0; n < rows; n++) {
        const float *w = weights;
        for (int32_t o = 0; o < outputs; o++) {
            float sum = bias[o];
            for (int32_t i = 0; i < inputs; i++) {
                sum += in[i] * w[i];
            }
            w += inputs;
            *out++ = clamp(sum, min, max);
        }
        in += inputs;
    }
}

/* `average`: of the taps inside the input; else the greatest. */
static inline void pool_2d(const float *in, const window *p, int32_t average, float *out)
{
    const int32_t channels = p->in_channels;
    for (int32_t y = 0; y < p->out_height; y++) {
        const int32_t top = y * p->stride_y - p->pad_top;
        const int32_t y0 = greater(0, top), y1 = lesser(p->in_height, top + p->filter_height);
        for (int32_t x = 0; x < p->out_width; x++) {
            const int32_t left = x * p->stride_x - p->pad_left;
            const int32_t x0 = greater(0, left), x1 = lesser(p->in_width, left + p->filter_width);
            for (int32_t c = 0; c < channels; c++) {
                float value = average ? 0.0f : -FLT_MAX;
                for (int32_t iy = y0; iy < y1; iy++) {
                    for (int32_t ix = x0; ix < x1; ix++) {
                        const float each = in[(iy * p->in_width + ix) * channels + c];
                        value = average ? value + each : value > each ? value : each;
                    }
                }
                value = average ? value / (float)((y1 - y0) * (x1 - x0)) : value;
                *out++ = clamp(value, p->min, p->max);
            }
        }
    }
}

/* Over all but the last axis. */
static inline void mean(const float *in, int32_t pixels, int32_t channels, float *out)
{
    for (int32_t c = 0; c < channels; c++) {
        float sum = 0.0f;
        for (int32_t i = 0; i < pixels; i++) {
            sum += in[i * channels + c];
        }
        out[c] = sum / (float)pixels;
    }
}

static inline void add(const float *a, const float *b, int32_t n, float min, float max, float *out)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = clamp(a[i] + b[i], min, max);
    }
}

static inline void limit(const float *in, int32_t n, float min, float max, float *out)
{
    for (int32_t i = 0; i < n; i++) {
        out[i] = clamp(in[i], min, max);
    }
}

/* exp(x) for x <= 0, to 7 digits: 2^k times a polynomial of what is left (boards have no libm). */
static inline float exp_of_negative(float x)
{
    if (x < -80.0f) {
        return 0.0f;
    }
    const int32_t k = (int32_t)(x * 1.44269504f - 0.5f);
    const float r = x - (float)k * 0.693147181f;
    const uint32_t bits = (uint32_t)(k + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    float sum = 1.0f + r / 7.0f;
    for (int32_t n = 6; n > 0; n--) {
        sum = 1.0f + sum * r / (float)n;
    }
    return power * sum;
}

static inline void softmax(const float *in, int32_t rows, int32_t n, float beta, float *out)
{
    for (int32_t r = 0; r < rows; r++) {
        float greatest = in[0], sum = 0.0f;
        for (int32_t i = 1; i < n; i++) {
            greatest = in[i] > greatest ? in[i] : greatest;
        }
        for (int32_t i = 0; i < n; i++) {
            out[i] = exp_of_negative((in[i] - greatest) * beta);
            sum += out[i];
        }
        for (int32_t i = 0; i < n; i++) {
            out[i] /= sum;
        }
        in += n;
        out += n;
    }
}

#endif
