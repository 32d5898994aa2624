#include "edgekit/ek_copy.h"

#include <string.h>

void ek_copy(const void *in, size_t size, void *out)
{
    memcpy(out, in, size);
}
