#ifndef TINY_KERNEL_H
#define TINY_KERNEL_H

#include <stdint.h>

void tiny_kernel(const int8_t *in, const int8_t *weights, int32_t count, int8_t *out);

#endif
