/* ek_strided_copy.h: part of an array, in any order of its dimensions, into part of another.
 *
 * TRANSPOSE, STRIDED_SLICE, CONCATENATION, PACK and SPLIT are such copies; the host lays out the
 * loops. */
#ifndef EDGEKIT_EK_STRIDED_COPY_H
#define EDGEKIT_EK_STRIDED_COPY_H

#include <stdint.h>

#define EK_COPY_MAX_LOOPS 6

typedef struct {
    int32_t size;     /* turns, at least 1 */
    int32_t in_step;  /* bytes from a turn to the next; may be negative */
    int32_t out_step; /* bytes */
} ek_copy_loop;

typedef struct {
    const ek_copy_loop *loops; /* outermost first */
    int32_t loop_count;        /* 1..EK_COPY_MAX_LOOPS */
    int32_t run_bytes;         /* contiguous bytes that each turn of the innermost loop copies */
    int32_t in_offset;         /* bytes from `in` to the first byte read */
    int32_t out_offset;        /* bytes from `out` to the first byte written */
} ek_strided_copy_params;

/* Element types do not matter, nor does alignment. in and out must not overlap; bytes of out that
 * no loop reaches are left as they are. Needs no scratch. */
void ek_strided_copy(const void *in, const ek_strided_copy_params *params, void *out);

#endif
