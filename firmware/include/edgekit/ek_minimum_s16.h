/* ek_minimum_s16.h: the smaller of two elements. */
#ifndef EDGEKIT_EK_MINIMUM_S16_H
#define EDGEKIT_EK_MINIMUM_S16_H

#include <stdint.h>

#include "edgekit/ek_elementwise.h"

/* out = a < b ? a : b
 *
 * a, b [walk] int16    out [walk.rows][walk.row] int16
 * out may be a or b, if that one is read without repeating elements. Needs no scratch. */
void ek_minimum_s16(const int16_t *a, const int16_t *b, const ek_walk *walk, int16_t *out);

#endif
