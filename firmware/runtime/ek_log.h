/* ek_log.h: reading back what ek_log wrote. */
#ifndef EDGEKIT_EK_LOG_H
#define EDGEKIT_EK_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Positions count all bytes ever logged. Returns the first position >= *position that is still
 * held, in *position, and how many bytes (0..size) were copied from there. */
size_t ek_log_read(uint32_t *position, uint8_t *bytes, size_t size);

#endif
