/* ek_requests.c: one function for each message. docs/protocol.md, "Messages". */
#include <string.h>

#include "ek_log.h"
#include "ek_server_state.h"

static ek_status refuse(ek_server *server, ek_status status, const char *cause)
{
    server->cause = cause;
    return status;
}

static ek_status malformed(ek_server *server)
{
    return refuse(server, EK_ERR_ARGUMENT, "the request is shorter or longer than its fields");
}

/* The request's own version and session were looked at before. */
static ek_status answer_hello(ek_server *server, ek_writer *reply)
{
    const ek_model *const model = server->model;
    const unsigned features = (model->invoke_hooked != NULL ? EK_FEATURE_PROFILE : 0u) |
                              (EK_TEXT_COMMANDS ? EK_FEATURE_TEXT : 0u);
    ek_put_u8(reply, EK_LINK_VERSION);
    ek_put_u8(reply, (uint8_t)features);
    ek_put_u8(reply, (uint8_t)ek_port_reset_cause());
    ek_put_u8(reply, (uint8_t)-server->model_status);
    ek_put_u16(reply, EK_LINK_PAYLOAD_BYTES);
    ek_put_u16(reply, EK_LINK_SAMPLES);
    ek_put_u16(reply, model->input_count);
    ek_put_u16(reply, model->output_count);
    ek_put_u16(reply, model->step_count);
    ek_put_u32(reply, model->arena_bytes);
    ek_put_u32(reply, model->macs);
    ek_put_u32(reply, ek_port_ticks_hz());
    ek_put_bytes(reply, model->sha256, sizeof model->sha256);
    ek_put_string(reply, server->config->board_id, EK_LINK_HELLO_STRING_BYTES);
    ek_put_string(reply, model->engine, EK_LINK_HELLO_STRING_BYTES);
    ek_put_string(reply, model->name, EK_LINK_HELLO_STRING_BYTES);
    ek_put_string(reply, server->config->version, EK_LINK_HELLO_STRING_BYTES);
    return EK_OK;
}

static ek_status answer_tensor(ek_server *server, ek_reader *request, ek_writer *reply)
{
    const uint8_t is_output = ek_get_u8(request);
    const uint16_t index = ek_get_u16(request);
    if (!ek_get_end(request) || is_output > 1) {
        return malformed(server);
    }
    const ek_model *const model = server->model;
    if (index >= (is_output ? model->output_count : model->input_count)) {
        return refuse(server, EK_ERR_ARGUMENT, "the model has no such tensor");
    }
    const ek_tensor *const tensor = is_output ? &model->outputs[index] : &model->inputs[index];
    ek_put_u8(reply, tensor->type);
    ek_put_u8(reply, tensor->rank);
    for (size_t i = 0; i < tensor->rank && i < EK_MAX_RANK; i++) {
        ek_put_u32(reply, (uint32_t)tensor->shape[i]);
    }
    ek_put_u32(reply, tensor->size_bytes);
    ek_put_f32(reply, &tensor->scale);
    ek_put_u32(reply, (uint32_t)tensor->zero_point);
    ek_put_string(reply, tensor->name, EK_LINK_STRING_BYTES);
    return EK_OK;
}

static ek_status answer_step(ek_server *server, ek_reader *request, ek_writer *reply)
{
    const uint16_t index = ek_get_u16(request);
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    if (index >= server->model->step_count) {
        return refuse(server, EK_ERR_ARGUMENT, "the model has no such step");
    }
    const ek_step *const step = &server->model->steps[index];
    ek_put_u16(reply, step->operator_index);
    ek_put_u32(reply, step->macs);
    ek_put_u32(reply, step->output_bytes);
    ek_put_string(reply, step->name, EK_LINK_STRING_BYTES);
    ek_put_string(reply, step->kernel, EK_LINK_STRING_BYTES);
    return EK_OK;
}

static ek_status answer_write_input(ek_server *server, ek_reader *request)
{
    const uint16_t index = ek_get_u16(request);
    const uint32_t offset = ek_get_u32(request);
    if (request->failed) {
        return malformed(server);
    }
    if (server->model_status != EK_OK) {
        return refuse(server, server->model_status, "the model did not start");
    }
    if (index >= server->model->input_count) {
        return refuse(server, EK_ERR_ARGUMENT, "the model has no such input");
    }
    const uint32_t size = server->model->inputs[index].size_bytes;
    if (offset > size || request->left > size - offset) {
        return refuse(server, EK_ERR_ARGUMENT, "these bytes end past the end of the input");
    }
    memcpy(ek_run_input_copy(server, index) + offset, request->at, request->left);
    return EK_OK;
}

static ek_status answer_invoke(ek_server *server, ek_reader *request, ek_writer *reply)
{
    const uint16_t count = ek_get_u16(request);
    const uint16_t warm_up = ek_get_u16(request);
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    if (count > EK_LINK_SAMPLES) {
        return refuse(server, EK_ERR_ARGUMENT, "these are more runs than one reply has room for");
    }
    ek_server_busy(server);
    for (uint32_t run = 0; run < (uint32_t)warm_up + count; run++) {
        uint64_t ticks = 0;
        const ek_status status = ek_run_once(server, &ticks);
        if (status != EK_OK) {
            return status;
        }
        if (run >= warm_up) {
            ek_put_u64(reply, ticks);
        }
    }
    return EK_OK;
}

static ek_status answer_read_output(ek_server *server, ek_reader *request, ek_writer *reply)
{
    const uint16_t index = ek_get_u16(request);
    const uint32_t offset = ek_get_u32(request);
    const uint16_t count = ek_get_u16(request);
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    if (index >= server->model->output_count) {
        return refuse(server, EK_ERR_ARGUMENT, "the model has no such output");
    }
    const uint32_t size = server->model->outputs[index].size_bytes;
    if (offset > size || count > size - offset || count > reply->left) {
        return refuse(server, EK_ERR_ARGUMENT, "these bytes end past the end of the output");
    }
    const uint8_t *const output = server->has_outputs ? server->model->output(index) : NULL;
    if (output == NULL) {
        return refuse(server, EK_ERR_STATE, "the model has not run in this session");
    }
    ek_put_bytes(reply, output + offset, count);
    return EK_OK;
}

typedef ek_status (*stepwise_run)(ek_server *server, size_t first, ek_writer *out);

static ek_status answer_stepwise(ek_server *server, stepwise_run run, ek_reader *request,
                                 ek_writer *reply)
{
    const uint16_t first = ek_get_u16(request);
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    ek_server_busy(server);
    return run(server, first, reply);
}

static ek_status answer_memory(ek_server *server, ek_reader *request, ek_writer *reply)
{
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    uint32_t stack_bytes = EK_LINK_STACK_UNKNOWN;
    ek_server_busy(server);
    const ek_status status = ek_run_stack(server, &stack_bytes);
    const ek_model *const model = server->model;
    ek_put_u32(reply,
               model->arena_used == NULL ? model->arena_bytes : (uint32_t)model->arena_used());
    ek_put_u32(reply, stack_bytes);
    return status;
}

static ek_status answer_log(ek_server *server, ek_reader *request, ek_writer *reply)
{
    uint32_t position = ek_get_u32(request);
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    uint8_t text[EK_LOG_BYTES];
    const size_t room = reply->left - 4;
    const size_t size = ek_log_read(&position, text, room < sizeof text ? room : sizeof text);
    ek_put_u32(reply, position);
    ek_put_bytes(reply, text, size);
    return EK_OK;
}

static ek_status answer_reboot(ek_server *server, ek_reader *request)
{
    if (!ek_get_end(request)) {
        return malformed(server);
    }
    const ek_status status = ek_port_reboot();
    return refuse(server, status == EK_OK ? EK_ERR_PORT : status, "this port cannot reboot");
}

int ek_request_answer(ek_server *server, uint8_t message, ek_reader *request, ek_writer *reply)
{
    switch (message) {
    case EK_MESSAGE_HELLO:
        return answer_hello(server, reply);
    case EK_MESSAGE_TENSOR:
        return answer_tensor(server, request, reply);
    case EK_MESSAGE_STEP:
        return answer_step(server, request, reply);
    case EK_MESSAGE_WRITE_INPUT:
        return answer_write_input(server, request);
    case EK_MESSAGE_INVOKE:
        return answer_invoke(server, request, reply);
    case EK_MESSAGE_READ_OUTPUT:
        return answer_read_output(server, request, reply);
    case EK_MESSAGE_PROFILE:
        return answer_stepwise(server, ek_run_profile, request, reply);
    case EK_MESSAGE_DIGESTS:
        return answer_stepwise(server, ek_run_digests, request, reply);
    case EK_MESSAGE_MEMORY:
        return answer_memory(server, request, reply);
    case EK_MESSAGE_ECHO:
        ek_put_bytes(reply, request->at, request->left);
        return EK_OK;
    case EK_MESSAGE_LOG:
        return answer_log(server, request, reply);
    case EK_MESSAGE_REBOOT:
        return answer_reboot(server, request);
    default:
        return EK_REPLY_UNKNOWN;
    }
}
