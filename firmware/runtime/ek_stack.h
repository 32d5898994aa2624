/* ek_stack.h: how deep the stack goes below a call. */
#ifndef EDGEKIT_EK_STACK_H
#define EDGEKIT_EK_STACK_H

#include <stdint.h>

#include "edgekit/ek_status.h"

/* Fill the free stack, down to ek_port_stack_limit(), with a pattern; call `invoke`; see how far
 * down the pattern is gone. Returns the stack bytes that `invoke` used, with the interrupts that
 * fell into it, or UINT32_MAX if that cannot be known here. *status is what `invoke` returned.
 * Calls below a few dozen bytes deep are not told apart. */
uint32_t ek_stack_used_by(ek_status (*invoke)(void), ek_status *status);

#endif
