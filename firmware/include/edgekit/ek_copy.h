/* ek_copy.h: bytes as they are: of a constant, or of a view that could not stay in place. */
#ifndef EDGEKIT_EK_COPY_H
#define EDGEKIT_EK_COPY_H

#include <stddef.h>

/* out[i] = in[i] for `size` bytes. in and out must not overlap. Needs no scratch. */
void ek_copy(const void *in, size_t size, void *out);

#endif
