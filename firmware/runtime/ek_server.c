/* ek_server.c: the conversation: frames in, sessions, repeated requests, replies out. */
#include "edgekit/ek_server.h"

#include <string.h>

#include "ek_server_state.h"

#define READ_BYTES        64
#define NOTICE_BODY_BYTES (EK_LINK_HEADER_BYTES + 1 + EK_LINK_CRC_BYTES)

static ek_server server_state;

static ek_status sink(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    return ek_port_write(bytes, size);
}

typedef struct {
    uint8_t message, status;
    uint16_t sequence;
    uint32_t session;
} header;

static header read_header(const ek_server *server)
{
    ek_reader reader = {.at = server->rx, .left = EK_LINK_HEADER_BYTES};
    header h;
    h.message = ek_get_u8(&reader);
    h.status = ek_get_u8(&reader);
    h.sequence = ek_get_u16(&reader);
    h.session = ek_get_u32(&reader);
    return h;
}

static void write_header(ek_writer *writer, const header *request, unsigned status)
{
    ek_put_u8(writer, (uint8_t)(request->message | EK_MESSAGE_REPLY));
    ek_put_u8(writer, (uint8_t)status);
    ek_put_u16(writer, request->sequence);
    ek_put_u32(writer, request->session);
}

/* A reply that is not kept: it leaves tx, and with it the last real reply, as it is. */
static void send_notice(const header *request, ek_reply_status status)
{
    uint8_t body[NOTICE_BODY_BYTES];
    ek_writer writer = {.at = body, .left = sizeof body - EK_LINK_CRC_BYTES};
    write_header(&writer, request, status);
    if (status == EK_REPLY_VERSION) {
        ek_put_u8(&writer, EK_LINK_VERSION);
    }
    (void)ek_frame_send(sink, NULL, body, (size_t)(writer.at - body));
}

void ek_server_busy(const ek_server *server)
{
    const header request = read_header(server);
    send_notice(&request, EK_REPLY_BUSY);
}

/* Count it, tell the host to send again, and log the 1st, 2nd, 4th, 8th ... */
static void on_damaged(ek_server *server)
{
    server->damaged++;
    if ((server->damaged & (server->damaged - 1)) == 0) {
        ek_log_number("damaged frames so far:", server->damaged);
    }
    const header nobody = {.session = server->session};
    send_notice(&nobody, EK_REPLY_DAMAGED);
}

/* True if the request may be answered now; else the host has been told why not. A HELLO of another
 * session begins that session. */
static bool admit(ek_server *server, const header *request)
{
    const bool is_hello = request->message == EK_MESSAGE_HELLO;
    const size_t payload = server->decoder.size - EK_LINK_HEADER_BYTES;
    if (is_hello && (payload < 1 || server->rx[EK_LINK_HEADER_BYTES] != EK_LINK_VERSION)) {
        send_notice(request, EK_REPLY_VERSION);
        return false;
    }
    if (request->session == 0 || (!is_hello && request->session != server->session)) {
        send_notice(request, EK_REPLY_SESSION);
        return false;
    }
    if (request->session != server->session) {
        server->session = request->session;
        server->has_answered = false;
        memset(&server->text, 0, sizeof server->text);
        ek_run_reset(server);
    }
    return true;
}

static bool is_repeated(const ek_server *server, const header *request)
{
    return server->has_answered && request->session == server->session &&
           request->sequence == server->answered_sequence &&
           server->decoder.crc == server->answered_crc;
}

static void send_answer(ek_server *server)
{
    (void)ek_frame_send(sink, NULL, server->tx, server->answered_bytes);
}

static void answer(ek_server *server, const header *request)
{
    ek_reader reader = {.at = server->rx + EK_LINK_HEADER_BYTES,
                        .left = server->decoder.size - EK_LINK_HEADER_BYTES};
    uint8_t *const payload = server->tx + EK_LINK_HEADER_BYTES;
    ek_writer reply = {.at = payload, .left = EK_LINK_PAYLOAD_BYTES};
    server->cause = "";
    server->has_answered = false;
    int status = ek_request_answer(server, request->message, &reader, &reply);
    if (status == EK_REPLY_UNKNOWN) {
        send_notice(request, EK_REPLY_UNKNOWN);
        return;
    }
    if (status != EK_OK) {
        reply = (ek_writer){.at = payload, .left = EK_LINK_PAYLOAD_BYTES};
        ek_put_bytes(&reply, server->cause, strlen(server->cause));
    }
    ek_writer head = {.at = server->tx, .left = EK_LINK_HEADER_BYTES};
    write_header(&head, request, (unsigned)-status);
    server->has_answered = true;
    server->answered_sequence = request->sequence;
    server->answered_crc = server->decoder.crc;
    server->answered_bytes = (size_t)(reply.at - server->tx);
    send_answer(server);
}

static void on_frame(ek_server *server)
{
    const header request = read_header(server);
    if ((request.message & EK_MESSAGE_REPLY) != 0) {
        return; /* an echo of our own */
    }
    if (is_repeated(server, &request)) {
        send_answer(server);
    } else if (admit(server, &request)) {
        answer(server, &request);
    }
}

static void on_byte(ek_server *server, uint8_t byte)
{
    const ek_frame_event event = ek_frame_push(&server->decoder, byte);
    if (byte == 0) { /* a frame ends an unfinished command */
        server->text.length = 0;
        server->is_stalled = false;
    }
    if (event == EK_FRAME_WHOLE) {
        on_frame(server);
    } else if (event == EK_FRAME_DAMAGED) {
        on_damaged(server);
    }
#if EK_TEXT_COMMANDS
    if (event == EK_FRAME_NONE) {
        ek_text_push(server, byte);
    } else if (event == EK_FRAME_PART && server->is_stalled) {
        ek_text_overhear(server, byte);
    }
#endif
}

/* The model is fit to run, or server->model_status says why not. */
static void start_model(ek_server *server)
{
    const ek_server_config *const config = server->config;
    if (config->input_copy_bytes < ek_run_inputs_bytes(server->model)) {
        server->model_status = EK_ERR_ARGUMENT;
        ek_log("the buffer for copies of the inputs is too small");
        return;
    }
    server->model_status = server->model->init(config->arena, config->arena_bytes);
    if (server->model_status != EK_OK) {
        ek_log_number("the model did not start: error", (uint32_t)-server->model_status);
    }
}

/* Take what has arrived, and note when a frame stalls. */
static ek_status serve(ek_server *server)
{
    uint8_t bytes[READ_BYTES];
    const bool may_stall = EK_TEXT_COMMANDS && server->decoder.inside && !server->is_stalled;
    const uint32_t timeout_ms = may_stall ? EK_LINK_IDLE_MS : EK_FOREVER;
    const int32_t count = ek_port_read(bytes, sizeof bytes, timeout_ms);
    for (int32_t i = 0; i < count; i++) {
        on_byte(server, bytes[i]);
    }
    if (count <= 0 && may_stall) {
        server->is_stalled = true;
    }
    return count == EK_ERR_PORT ? EK_ERR_PORT : EK_OK;
}

ek_status ek_server_run(const ek_server_config *config)
{
    ek_server *const server = &server_state;
    if (config == NULL || config->model == NULL || config->arena == NULL ||
        config->input_copy == NULL) {
        return EK_ERR_ARGUMENT;
    }
    const ek_status port = ek_port_init();
    if (port != EK_OK) {
        return port;
    }
    memset(server, 0, sizeof *server);
    server->config = config;
    server->model = config->model;
    server->decoder.body = server->rx;
    server->decoder.capacity = sizeof server->rx;
    start_model(server);
    ek_run_reset(server);
#if EK_TEXT_COMMANDS
    ek_text_greet();
#endif
    for (;;) {
        const ek_status status = serve(server);
        if (status != EK_OK) {
            return status;
        }
    }
}
