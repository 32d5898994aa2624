/* ek_maximum_s8.h: the greater of two elements. */
#ifndef EDGEKIT_EK_MAXIMUM_S8_H
#define EDGEKIT_EK_MAXIMUM_S8_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

/* out = a > b ? a : b
 *
 * a, b [walk] int8    out [walk.rows][walk.row] int8
 * out may be a or b, if that one is read without repeating elements. Needs no scratch. */
void ek_maximum_s8(const int8_t *a, const int8_t *b, const ek_walk *walk, int8_t *out);

#endif
