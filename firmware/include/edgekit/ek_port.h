/* ek_port.h: all that edgekit asks of a chip.
 *
 * To add a chip, copy ports/template.c and fill in the first five functions.
 * None is called from an interrupt; none may allocate. The extras below have weak
 * defaults in runtime/ek_port_defaults.c: write one only where it does better. */
#ifndef EDGEKIT_EK_PORT_H
#define EDGEKIT_EK_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "edgekit/ek_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Wait for ever: the only timeout that has no end. */
#define EK_FOREVER UINT32_MAX

/* Start clocks, the link's serial port and the tick counter. Called once, first. */
ek_status ek_port_init(void);

/* Read what has arrived, up to `size` bytes (size >= 1), into `bytes`; wait for the first byte at
 * most `timeout_ms` milliseconds. Returns the count read (1..size), EK_ERR_TIMEOUT if none came,
 * EK_ERR_PORT if none can come any more (the firmware then ends). */
int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms);

/* Write exactly `size` bytes; return when all are queued. */
ek_status ek_port_write(const uint8_t *bytes, size_t size);

/* Free-running counter that never runs backwards: a port extends a narrower hardware counter. */
uint64_t ek_port_ticks(void);

/* Frequency of ek_port_ticks(), in Hz; 0 when a tick is an instruction or a cycle, not a time. */
uint32_t ek_port_ticks_hz(void);

/* ---- optional extras -------------------------------------------------------------------- */

/* Lowest address that the running stack may grow down to; NULL if not known (the stack is then
 * not measured). The stack must grow downwards from here without a guard page in between. */
uint8_t *ek_port_stack_limit(void);

/* Start again from reset. Returns only if the port cannot: EK_ERR_UNSUPPORTED. */
ek_status ek_port_reboot(void);

typedef enum {
    EK_RESET_UNKNOWN = 0,
    EK_RESET_POWER_ON = 1, /* or the reset line: a button, or the host's tool */
    EK_RESET_SOFTWARE = 2,
    EK_RESET_WATCHDOG = 3,
    EK_RESET_FAULT = 4,
    EK_RESET_BROWN_OUT = 5 /* the supply voltage fell too low */
} ek_reset_cause;

ek_reset_cause ek_port_reset_cause(void);

/* Let the system have the CPU for a moment: called before each run of the model, and between its
 * steps where there is a hook or a run outlasts ek_port_patience(); never within a time that is
 * measured. A port on an operating system feeds its watchdogs here. */
void ek_port_yield(void);

/* For how many ticks the port can go without ek_port_yield(); UINT64_MAX: for ever. */
uint64_t ek_port_patience(void);

#ifdef __cplusplus
}
#endif

#endif
