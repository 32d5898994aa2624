/* fuzz_server.c: garbage, damaged frames and well-formed nonsense against the server.
 *
 *     fuzz_server <seed> <rounds>
 *
 * Each round feeds some of these through the port and then asks HELLO; the server must answer it
 * within two tries. Built with the sanitizers, which see to the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgekit/ek_protocol.h"
#include "edgekit/ek_server.h"
#include "tiny_model.h"

#define STREAM_BYTES 20000
#define HELLO_TRIES  2

static uint64_t dice_state;
static unsigned long rounds_left;
static uint64_t fed_bytes, answered_rounds;

static uint8_t stream[STREAM_BYTES];
static size_t stream_size, stream_at;
static uint32_t session = 1;
static uint16_t sequence;

static int tries; /* HELLOs sent in this round; 0 while garbage is being fed */
static bool hello_seen;
static uint8_t answer_body[EK_LINK_BODY_BYTES];
static ek_frame_decoder answer_decoder = {.body = answer_body, .capacity = sizeof answer_body};

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 33) % sides;
}

static ek_status append(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size && stream_size < STREAM_BYTES; i++) {
        stream[stream_size++] = bytes[i];
    }
    return EK_OK;
}

static void append_frame(uint8_t message, uint32_t frame_session, const uint8_t *payload,
                         size_t size)
{
    uint8_t body[EK_LINK_BODY_BYTES + 64];
    ek_writer writer = {.at = body, .left = sizeof body - EK_LINK_CRC_BYTES};
    ek_put_u8(&writer, message);
    ek_put_u8(&writer, (uint8_t)(dice(20) == 0 ? dice(256) : 0));
    ek_put_u16(&writer, sequence);
    ek_put_u32(&writer, frame_session);
    ek_put_bytes(&writer, payload, size);
    (void)ek_frame_send(append, NULL, body, (size_t)(writer.at - body));
}

static void append_hello(void)
{
    const uint8_t version = EK_LINK_VERSION;
    sequence++;
    append_frame(EK_MESSAGE_HELLO, session, &version, 1);
}

static void append_noise(void)
{
    const uint32_t size = dice(400);
    const uint32_t kind = dice(3);
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t byte = kind == 0 ? dice(256) : kind == 1 ? dice(4) : ' ' + dice(95);
        const uint8_t one = (uint8_t)byte;
        (void)append(NULL, &one, 1);
    }
}

static void append_text(void)
{
    static const char *const texts[] = {
        "name%",       "profile%",     "db load 16%", "db 000102030405060708090a0b0c0d0e0f%",
        "db load 64%", "infer 3 1%",   "results%",    "db print%",
        "db ff%",      "db load 3%",   "%%%",         "infer 9999999999%",
        "help%",       "db 0%",        "infer x%",    "infer 2%",
        "timestamp%",  "db load -16%", "db%",         "infer 5 0%",
    };
    const char *const text = texts[dice(sizeof texts / sizeof texts[0])];
    (void)append(NULL, (const uint8_t *)text, strlen(text));
}

/* Half of the fields are small, so that many requests are nearly right. */
static void append_request(void)
{
    uint8_t payload[EK_LINK_PAYLOAD_BYTES + 32];
    const size_t size = dice(4) == 0 ? dice(sizeof payload) : dice(12);
    for (size_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)(dice(2) == 0 ? dice(256) : dice(3));
    }
    if (dice(2) == 0) {
        memset(payload, 0, size < 6 ? size : 6);
    }
    const uint32_t message = dice(20) == 0 ? dice(256) : dice(EK_MESSAGE_REBOOT + 1);
    if (message == EK_MESSAGE_INVOKE && size > 3) {
        payload[3] = 0; /* few warm-up runs: there is only so much time */
    }
    sequence = (uint16_t)(sequence + dice(3));
    append_frame((uint8_t)message, dice(10) == 0 ? dice(3) : session, payload, size);
}

static void damage(size_t from)
{
    if (stream_size == from) {
        return;
    }
    const size_t at = from + dice((uint32_t)(stream_size - from));
    switch (dice(4)) {
    case 0:
        stream_size = at;
        break;
    case 1:
        stream[at] ^= (uint8_t)(1u << dice(8));
        break;
    case 2:
        stream[at] = 0;
        break;
    default:
        memmove(&stream[at], &stream[at + 1], stream_size - at - 1);
        stream_size--;
        break;
    }
}

static void next_garbage(void)
{
    const uint32_t parts = 1 + dice(8);
    for (uint32_t i = 0; i < parts; i++) {
        const size_t from = stream_size;
        const uint32_t kind = dice(8);
        if (kind == 0) {
            append_noise();
        } else if (kind == 1) {
            append_text();
        } else if (kind == 2) {
            append_hello();
        } else {
            append_request();
        }
        if (dice(3) == 0) {
            damage(from);
        }
    }
}

/* What is fed when all before it was read. False when the last round was answered. */
static bool next_stream(void)
{
    stream_size = stream_at = 0;
    if (tries > 0 && hello_seen) {
        answered_rounds++;
        tries = 0;
        session = 1 + dice(UINT32_C(0x7fffffff));
        rounds_left--;
        if (rounds_left == 0) {
            return false;
        }
    }
    if (tries == 0) {
        next_garbage();
        tries = 1;
        hello_seen = false;
        return true;
    }
    if (tries > HELLO_TRIES) {
        (void)fprintf(stderr, "HELLO was not answered, %lu rounds before the end\n", rounds_left);
        exit(1);
    }
    append_hello();
    tries++;
    return true;
}

ek_status ek_port_init(void)
{
    return EK_OK;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (stream_at == stream_size && timeout_ms != EK_FOREVER && dice(4) == 0) {
        return EK_ERR_TIMEOUT;
    }
    while (stream_at == stream_size) {
        if (!next_stream()) {
            return EK_ERR_PORT;
        }
    }
    size_t count = 1 + dice((uint32_t)size);
    count = count < stream_size - stream_at ? count : stream_size - stream_at;
    memcpy(bytes, &stream[stream_at], count);
    stream_at += count;
    fed_bytes += count;
    return (int32_t)count;
}

/* A whole answer to the last HELLO has its session, its sequence and status OK. */
ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (ek_frame_push(&answer_decoder, bytes[i]) != EK_FRAME_WHOLE) {
            continue;
        }
        ek_reader reader = {.at = answer_body, .left = answer_decoder.size};
        const uint32_t message = ek_get_u8(&reader);
        const uint32_t status = ek_get_u8(&reader);
        const uint32_t answered_sequence = ek_get_u16(&reader);
        const uint32_t answered_session = ek_get_u32(&reader);
        hello_seen =
            hello_seen || (tries > 1 && message == (EK_MESSAGE_HELLO | EK_MESSAGE_REPLY) &&
                           status == EK_REPLY_OK && answered_sequence == sequence &&
                           answered_session == session && ek_get_u8(&reader) == EK_LINK_VERSION);
    }
    return EK_OK;
}

uint64_t ek_port_ticks(void)
{
    static uint64_t ticks;
    return ++ticks;
}

uint32_t ek_port_ticks_hz(void)
{
    return 0;
}

int main(int count, char **arguments)
{
    static uint8_t EK_ALIGNED(16) arena[TINY_ARENA_BYTES];
    static uint8_t input_copy[TINY_INPUTS_BYTES];
    const ek_server_config config = {.model = &tiny_model,
                                     .arena = arena,
                                     .arena_bytes = sizeof arena,
                                     .input_copy = input_copy,
                                     .input_copy_bytes = sizeof input_copy,
                                     .board_id = "fuzz",
                                     .version = "1.2.3"};
    if (count != 3) {
        return 2;
    }
    dice_state = strtoull(arguments[1], NULL, 10);
    rounds_left = strtoul(arguments[2], NULL, 10);
    const ek_status status = ek_server_run(&config);
    (void)printf("rounds %llu bytes %llu runs %lu\n", (unsigned long long)answered_rounds,
                 (unsigned long long)fed_bytes, (unsigned long)tiny_runs);
    return status == EK_ERR_PORT ? 0 : 1;
}
