#include "edgekit/ek_lookup_s8.h"

void ek_lookup_s8(const uint8_t *in, const uint8_t *table, int32_t elements, uint8_t *out)
{
    int32_t i = elements >> 2;
    while (i-- > 0) {
        out[0] = table[in[0]];
        out[1] = table[in[1]];
        out[2] = table[in[2]];
        out[3] = table[in[3]];
        in += 4;
        out += 4;
    }
    for (i = elements & 3; i > 0; i--) {
        *out++ = table[*in++];
    }
}
