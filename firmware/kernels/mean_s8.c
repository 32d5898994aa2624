#include "edgekit/ek_mean_s8.h"

#define EK_ELEMENT int8_t
#define EK_MIN     INT8_MIN
#define EK_MAX     INT8_MAX
#define EK_KERNEL  ek_mean_s8
#include "edgekit/ek_mean_kernel.h"
