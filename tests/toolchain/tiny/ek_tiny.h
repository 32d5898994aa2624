/* ek_tiny.h: the smallest model library, written by hand. */
#ifndef EK_TINY_H
#define EK_TINY_H

#include "edgekit/ek_model.h"

#define EK_TINY_ARENA_BYTES 64
#define EK_TINY_INPUT_BYTES 16

extern const ek_model ek_tiny;

#endif
