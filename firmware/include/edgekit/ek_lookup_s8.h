/* ek_lookup_s8.h: any function of one byte. */
#ifndef EDGEKIT_EK_LOOKUP_S8_H
#define EDGEKIT_EK_LOOKUP_S8_H

#include <stdint.h>

/* out[i] = table[in[i]]
 *
 * in [elements], table [256], out [elements]: bytes; signed ones are indexed by their bits, so the
 * table holds what becomes of 0..127, then of -128..-1.
 * out may be in. Needs no scratch. */
void ek_lookup_s8(const uint8_t *in, const uint8_t *table, int32_t elements, uint8_t *out);

#endif
