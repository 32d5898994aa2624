#include "edgekit/ek_resize_nearest_neighbor.h"

#include <string.h>

void ek_resize_nearest_neighbor(const void *in, const ek_resize_nearest_neighbor_params *params,
                                void *out)
{
    const size_t pixel_bytes = (size_t)params->pixel_bytes;
    const uint8_t *image = in;
    uint8_t *to = out;
    for (int32_t n = params->batches; n > 0; n--) {
        for (int32_t y = 0; y < params->out_height; y++) {
            const uint8_t *const row = image + params->rows[y];
            for (int32_t x = 0; x < params->out_width; x++) {
                memcpy(to, row + params->columns[x], pixel_bytes);
                to += pixel_bytes;
            }
        }
        image += params->in_bytes;
    }
}
