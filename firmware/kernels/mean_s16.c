#include "edgekit/ek_mean_s16.h"

#define EK_ELEMENT int16_t
#define EK_MIN     INT16_MIN
#define EK_MAX     INT16_MAX
#define EK_KERNEL  ek_mean_s16
#include "edgekit/ek_mean_kernel.h"
