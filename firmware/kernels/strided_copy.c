#include "edgekit/ek_strided_copy.h"

#include <string.h>

/* All turns of the innermost loop; single elements are copied without a call. */
static void innermost(const uint8_t *in, const ek_copy_loop *loop, int32_t run_bytes, uint8_t *out)
{
    const int32_t in_step = loop->in_step;
    const int32_t out_step = loop->out_step;
    const int32_t size = loop->size;
    int32_t i = 0;
    switch (run_bytes) {
    case 1:
        for (; i < size; i++) {
            out[i * out_step] = in[i * in_step];
        }
        break;
    case 2:
        for (; i < size; i++) {
            memcpy(out + i * out_step, in + i * in_step, 2);
        }
        break;
    case 4:
        for (; i < size; i++) {
            memcpy(out + i * out_step, in + i * in_step, 4);
        }
        break;
    default:
        for (; i < size; i++) {
            memcpy(out + i * out_step, in + i * in_step, (size_t)run_bytes);
        }
        break;
    }
}

void ek_strided_copy(const void *in, const ek_strided_copy_params *params, void *out)
{
    const ek_copy_loop *loops = params->loops;
    const int32_t inner = params->loop_count - 1;
    int32_t turn[EK_COPY_MAX_LOOPS] = {0};
    int32_t in_at = params->in_offset;
    int32_t out_at = params->out_offset;
    for (;;) {
        innermost((const uint8_t *)in + in_at, &loops[inner], params->run_bytes,
                  (uint8_t *)out + out_at);
        int32_t d = inner - 1;
        while (d >= 0 && ++turn[d] == loops[d].size) {
            turn[d] = 0;
            in_at -= (loops[d].size - 1) * loops[d].in_step;
            out_at -= (loops[d].size - 1) * loops[d].out_step;
            d--;
        }
        if (d < 0) {
            return;
        }
        in_at += loops[d].in_step;
        out_at += loops[d].out_step;
    }
}
