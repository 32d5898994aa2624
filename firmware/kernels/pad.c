#include "edgekit/ek_pad.h"

#include <string.h>

/* Fill `bytes`, a multiple of `value_bytes`; returns the end. */
static uint8_t *fill(uint8_t *out, const void *value, int32_t value_bytes, int32_t bytes)
{
    if (value_bytes == 1) {
        memset(out, *(const uint8_t *)value, (size_t)bytes);
        return out + bytes;
    }
    for (; bytes > 0; bytes -= value_bytes) {
        memcpy(out, value, (size_t)value_bytes);
        out += value_bytes;
    }
    return out;
}

void ek_pad(const void *in, const void *value, const ek_pad_params *params, void *out)
{
    const ek_pad_loop *loops = params->loops;
    const int32_t value_bytes = params->value_bytes;
    const size_t run_bytes = (size_t)params->run_bytes;
    int32_t turn[EK_PAD_MAX_LOOPS] = {0};
    const uint8_t *from = in;
    uint8_t *to = fill(out, value, value_bytes, params->before_bytes);
    for (;;) {
        memcpy(to, from, run_bytes);
        from += run_bytes;
        to += run_bytes;
        int32_t d = params->loop_count - 1;
        while (d >= 0 && ++turn[d] == loops[d].size) {
            turn[d] = 0;
            d--;
        }
        if (d < 0) {
            break;
        }
        to = fill(to, value, value_bytes, loops[d].gap);
    }
    fill(to, value, value_bytes, params->after_bytes);
}
