#include "edgekit/ek_maximum_s16.h"

#define EK_ELEMENT      int16_t
#define EK_KERNEL       ek_maximum_s16
#define EK_CHOOSE(a, b) ((a) > (b) ? (a) : (b))
#include "edgekit/ek_extremum_kernel.h"
