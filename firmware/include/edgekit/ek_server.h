/* ek_server.h: answers the host over the port's link: frames (docs/protocol.md) and MLPerf Tiny's
 * text commands. Calls only ek_port_* and the model. */
#ifndef EDGEKIT_EK_SERVER_H
#define EDGEKIT_EK_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "edgekit/ek_model.h"
#include "edgekit/ek_port.h"
#include "edgekit/ek_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1: answer MLPerf Tiny's text commands too (about 3.5 KiB of flash memory). */
#ifndef EK_TEXT_COMMANDS
#define EK_TEXT_COMMANDS 1
#endif

/* Silence within a frame, in milliseconds of the port, after which the frame may never end: text
 * commands are then listened for too. A frame that does go on is taken nevertheless. */
#ifndef EK_LINK_IDLE_MS
#define EK_LINK_IDLE_MS 2000
#endif

/* Ring buffer of the log, at least 64 bytes. */
#ifndef EK_LOG_BYTES
#define EK_LOG_BYTES 256
#endif

typedef struct {
    const ek_model *model;
    void *arena; /* handed to model->init; aligned to EK_ARENA_ALIGNMENT */
    size_t arena_bytes;
    void *input_copy;        /* keeps the inputs, which an invoke may overwrite in the arena */
    size_t input_copy_bytes; /* at least the sum of the sizes of all inputs */
    const char *board_id;    /* e.g. "rpi-pico" */
    const char *version;     /* of edgekit and of this build, e.g. "0.1.0+0123456789abcdef" */
} ek_server_config;

/* Start the port (ek_port_init) and the model (model->init), then answer requests until the port
 * has no more to read. A model that fails to start is reported to the host, in HELLO.
 *
 * Returns EK_ERR_PORT when the port ended, its status when it did not start, EK_ERR_ARGUMENT if a
 * pointer in `config` is NULL. One server at a time: its buffers are static. */
ek_status ek_server_run(const ek_server_config *config);

/* Append one line (without line end) to the log that the host can read; the oldest text goes. */
void ek_log(const char *line);

/* Append `line`, a space and `number`. */
void ek_log_number(const char *line, uint32_t number);

#ifdef __cplusplus
}
#endif

#endif
