#include "edgekit/ek_max_pool_2d_s16.h"

#define EK_ELEMENT int16_t
#define EK_KERNEL  ek_max_pool_2d_s16
#include "edgekit/ek_max_pool_2d_kernel.h"
