/* ek_protocol.h: frames and messages of the link, as docs/protocol.md specifies them.
 *
 * Nothing here calls a port. The same numbers stand in edgekit/link/messages.py; a test compares
 * the two. */
#ifndef EDGEKIT_EK_PROTOCOL_H
#define EDGEKIT_EK_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edgekit/ek_status.h"

#define EK_LINK_VERSION 1

/* Most payload bytes of a request or a reply; HELLO tells the host. RAM: twice this. */
#ifndef EK_LINK_PAYLOAD_BYTES
#define EK_LINK_PAYLOAD_BYTES 1024
#endif

#define EK_LINK_PAYLOAD_MIN_BYTES 256
#define EK_LINK_PAYLOAD_MAX_BYTES 32768
#define EK_LINK_HEADER_BYTES      8
#define EK_LINK_CRC_BYTES         4
#define EK_LINK_BODY_BYTES        (EK_LINK_HEADER_BYTES + EK_LINK_PAYLOAD_BYTES + EK_LINK_CRC_BYTES)

/* Most timed runs of one INVOKE: their ticks fill one reply. */
#define EK_LINK_SAMPLES (EK_LINK_PAYLOAD_BYTES / 8)

/* Longer strings are cut. */
#define EK_LINK_HELLO_STRING_BYTES 48
#define EK_LINK_STRING_BYTES       96

#define EK_LINK_STACK_UNKNOWN UINT32_MAX

#if EK_LINK_PAYLOAD_BYTES < EK_LINK_PAYLOAD_MIN_BYTES ||                                           \
    EK_LINK_PAYLOAD_BYTES > EK_LINK_PAYLOAD_MAX_BYTES
#error "EK_LINK_PAYLOAD_BYTES must be 256 to 32768"
#endif

/* What a request asks for. Its reply carries the same number with EK_MESSAGE_REPLY set. */
typedef enum {
    EK_MESSAGE_NONE = 0, /* only as EK_MESSAGE_REPLY, in the notice of a damaged frame */
    EK_MESSAGE_HELLO = 1,
    EK_MESSAGE_TENSOR = 2,
    EK_MESSAGE_STEP = 3,
    EK_MESSAGE_WRITE_INPUT = 4,
    EK_MESSAGE_INVOKE = 5,
    EK_MESSAGE_READ_OUTPUT = 6,
    EK_MESSAGE_PROFILE = 7,
    EK_MESSAGE_DIGESTS = 8,
    EK_MESSAGE_MEMORY = 9,
    EK_MESSAGE_ECHO = 10,
    EK_MESSAGE_LOG = 11,
    EK_MESSAGE_REBOOT = 12,
    EK_MESSAGE_REPLY = 0x80
} ek_message;

/* Status byte of a reply: 0, or an ek_status with its sign turned (1..127), or one of these, which
 * speak of the conversation and not of the request's meaning. */
typedef enum {
    EK_REPLY_OK = 0,
    EK_REPLY_BUSY = 0x80,    /* the request was understood, the model runs now, a reply follows */
    EK_REPLY_DAMAGED = 0x81, /* a frame arrived damaged: send the request again */
    EK_REPLY_SESSION = 0x82, /* not the session of the last HELLO: reset, or another program */
    EK_REPLY_UNKNOWN = 0x83, /* this firmware has no such message */
    EK_REPLY_VERSION = 0x84  /* HELLO named another version; one byte: the firmware's */
} ek_reply_status;

/* Bits of HELLO's `features`. */
#define EK_FEATURE_PROFILE 1u /* PROFILE and DIGESTS are compiled in */
#define EK_FEATURE_TEXT    2u /* MLPerf Tiny's text commands are compiled in */

/* ---- frames: ek_frame.c ---------------------------------------------------------------- */

/* CRC-32 (IEEE 802.3, as zlib's) of `size` bytes. Start with crc = 0; feed on with the result. */
uint32_t ek_crc32(uint32_t crc, const void *bytes, size_t size);

/* Where ek_frame_send puts the bytes of the wire. */
typedef ek_status (*ek_frame_sink)(void *context, const uint8_t *bytes, size_t size);

/* Send body[0..size) as one frame: 0x00, COBS of body and CRC, 0x00. `body` must have room for
 * EK_LINK_CRC_BYTES more, which are written. Returns the sink's first error. */
ek_status ek_frame_send(ek_frame_sink sink, void *context, uint8_t *body, size_t size);

typedef enum {
    EK_FRAME_NONE,   /* the byte is part of no frame: it may be text */
    EK_FRAME_PART,   /* the byte is part of a frame, or a delimiter */
    EK_FRAME_WHOLE,  /* the byte ended a good frame: `body` holds `size` bytes without the CRC */
    EK_FRAME_DAMAGED /* the byte ended a frame with a bad COBS code, length or CRC */
} ek_frame_event;

/* Set `body` and `capacity` (counting the CRC), zero the rest. Between calls of ek_frame_push the
 * body of a whole frame may be read and changed. */
typedef struct {
    uint8_t *body;
    size_t capacity, size;
    uint32_t crc; /* of the last whole frame, as sent: tells a repeated request from a new one */
    uint8_t block_left;
    bool inside, zero_due, started, overflowed;
} ek_frame_decoder;

/* Take one byte from the wire. */
ek_frame_event ek_frame_push(ek_frame_decoder *decoder, uint8_t byte);

/* Forget the frame that has begun: what follows is outside. */
void ek_frame_abandon(ek_frame_decoder *decoder);

/* ---- fields of a message: ek_message.c ------------------------------------------------- */

/* Reads little-endian fields. Past the end, fields are 0 and `failed` is set for good. */
typedef struct {
    const uint8_t *at;
    size_t left;
    bool failed;
} ek_reader;

uint8_t ek_get_u8(ek_reader *reader);
uint16_t ek_get_u16(ek_reader *reader);
uint32_t ek_get_u32(ek_reader *reader);

/* True if all fields were there and nothing follows them. */
bool ek_get_end(const ek_reader *reader);

/* Writes little-endian fields. What does not fit is left out whole and sets `failed` for good. */
typedef struct {
    uint8_t *at;
    size_t left;
    bool failed;
} ek_writer;

void ek_put_u8(ek_writer *writer, uint8_t value);
void ek_put_u16(ek_writer *writer, uint16_t value);
void ek_put_u32(ek_writer *writer, uint32_t value);
void ek_put_u64(ek_writer *writer, uint64_t value);
void ek_put_bytes(ek_writer *writer, const void *bytes, size_t size);

/* The IEEE 754 bits of `value`. */
void ek_put_f32(ek_writer *writer, const float *value);

/* One length byte and the string's first `most` (0..255) bytes; NULL is the empty string. */
void ek_put_string(ek_writer *writer, const char *string, size_t most);

#endif
