#include "edgekit/ek_fully_connected_s8.h"

#include "edgekit/ek_dot_s8.h"

void ek_fully_connected_s8(const int8_t *in, const int8_t *weights, const int32_t *bias,
                           const ek_fully_connected_s8_params *params, int8_t *out)
{
    const int32_t inputs = params->inputs;
    for (int32_t n = params->rows; n > 0; n--) {
        const int8_t *row = weights;
        for (int32_t o = 0; o < params->outputs; o++) {
            const uint32_t acc = ek_dot_s8(in, row, inputs, (uint32_t)bias[o]);
            *out++ = ek_requantize_s8(acc, &params->requant, o);
            row += inputs;
        }
        in += inputs;
    }
}
