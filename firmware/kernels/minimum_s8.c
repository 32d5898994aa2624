#include "edgekit/ek_minimum_s8.h"

#define EK_ELEMENT      int8_t
#define EK_KERNEL       ek_minimum_s8
#define EK_CHOOSE(a, b) ((a) < (b) ? (a) : (b))
#include "edgekit/ek_extremum_kernel.h"
