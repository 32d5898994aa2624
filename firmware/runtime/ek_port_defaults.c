/* ek_port_defaults.c: the optional extras of a port that does not have its own. */
#include "edgekit/ek_port.h"

#define WEAK __attribute__((weak))

WEAK uint8_t *ek_port_stack_limit(void)
{
    return NULL;
}

WEAK ek_status ek_port_reboot(void)
{
    return EK_ERR_UNSUPPORTED;
}

WEAK ek_reset_cause ek_port_reset_cause(void)
{
    return EK_RESET_UNKNOWN;
}

WEAK void ek_port_yield(void)
{
}

WEAK uint64_t ek_port_patience(void)
{
    return UINT64_MAX;
}
