/* ek_resize_nearest_neighbor.h: an image of another size, each pixel one of the input's. */
#ifndef EDGEKIT_EK_RESIZE_NEAREST_NEIGHBOR_H
#define EDGEKIT_EK_RESIZE_NEAREST_NEIGHBOR_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t in_bytes;    /* of an input image */
    int32_t pixel_bytes; /* all channels */
    int32_t out_height, out_width;
    const int32_t *rows;    /* [out_height] bytes from the image to the row that is taken */
    const int32_t *columns; /* [out_width] bytes from the row to the pixel that is taken */
} ek_resize_nearest_neighbor_params;

/* out[n][y][x] = the pixel_bytes at in + n * in_bytes + rows[y] + columns[x]
 *
 * Element types do not matter, nor does alignment. in and out must not overlap. Needs no scratch.
 */
void ek_resize_nearest_neighbor(const void *in, const ek_resize_nearest_neighbor_params *params,
                                void *out);

#endif
