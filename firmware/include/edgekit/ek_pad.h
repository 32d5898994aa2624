/* ek_pad.h: an array with a value around it. */
#ifndef EDGEKIT_EK_PAD_H
#define EDGEKIT_EK_PAD_H

#include <stdint.h>

#define EK_PAD_MAX_LOOPS 6

typedef struct {
    int32_t size; /* turns, at least 1 */
    int32_t gap;  /* bytes to fill between two of them */
} ek_pad_loop;

typedef struct {
    const ek_pad_loop *loops; /* outermost first */
    int32_t loop_count;       /* 1..EK_PAD_MAX_LOOPS */
    int32_t run_bytes;        /* contiguous bytes of the input that each innermost turn copies */
    int32_t before_bytes;     /* to fill before the first run */
    int32_t after_bytes;      /* and after the last */
    int32_t value_bytes;      /* size of the value; 1 where all its bytes are equal */
} ek_pad_params;

/* out = fill(before), run, fill(gap), run, ..., run, fill(after), where fill repeats `value`.
 *
 * Every byte of out is written once, in order. Element types do not matter, nor does alignment.
 * in and out must not overlap. Needs no scratch. */
void ek_pad(const void *in, const void *value, const ek_pad_params *params, void *out);

#endif
