#include "edgekit/ek_max_pool_2d_s8.h"

#define EK_ELEMENT int8_t
#define EK_KERNEL  ek_max_pool_2d_s8
#include "edgekit/ek_max_pool_2d_kernel.h"
