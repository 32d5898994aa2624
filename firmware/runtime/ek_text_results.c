/* ek_text_results.c: the model's first output as MLPerf Tiny's m-results line. */
#include <string.h>

#include "ek_fixed.h"
#include "ek_say.h"
#include "ek_server_state.h"

#if EK_TEXT_COMMANDS

#define MSE_BITS      14 /* fraction bits of one difference */
#define MSE_MAX       ((int64_t)1 << 25)
#define MSE_MAX_COUNT 1024

/* Bytes of one element; 0 for types that have no text form here. */
static size_t element_bytes(const ek_tensor *tensor)
{
    switch (tensor->type) {
    case EK_INT8:
    case EK_UINT8:
        return 1;
    case EK_INT16:
        return 2;
    case EK_FLOAT32:
        return 4;
    default:
        return 0;
    }
}

/* How far an element is from its zero point. */
static int32_t distance(const ek_tensor *tensor, const uint8_t *bytes, size_t i)
{
    int16_t wide = 0;
    if (tensor->type == EK_INT16) {
        memcpy(&wide, bytes + 2 * i, sizeof wide);
    }
    const int32_t q = tensor->type == EK_INT16  ? wide
                      : tensor->type == EK_INT8 ? (int8_t)bytes[i]
                                                : bytes[i];
    return q - tensor->zero_point;
}

static uint32_t magnitude(int32_t value)
{
    return (uint32_t)(value < 0 ? -value : value);
}

/* One output value as printf's %0.3f gives it. */
static void say_value(const ek_tensor *tensor, const uint8_t *bytes, size_t i)
{
    if (tensor->type == EK_FLOAT32) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof bits);
        ek_say_thousandths((bits >> 31) != 0, ek_fixed_scale(1, bits, 1000, 0));
        return;
    }
    const int32_t q = distance(tensor, bytes, i);
    const uint32_t scale = ek_float_bits(&tensor->scale);
    ek_say_thousandths(q < 0, ek_fixed_scale(magnitude(q), scale, 1000, 0));
}

static int64_t fixed_point(const ek_tensor *tensor, const uint8_t *bytes, size_t i)
{
    const int32_t q = distance(tensor, bytes, i);
    const uint32_t scale = ek_float_bits(&tensor->scale);
    uint64_t value = ek_fixed_scale(magnitude(q), scale, 1, MSE_BITS);
    value = value < (uint64_t)MSE_MAX ? value : (uint64_t)MSE_MAX;
    return q < 0 ? -(int64_t)value : (int64_t)value;
}

/* The anomaly score of an autoencoder: mean squared difference of input and output. */
static void say_squared_error(const ek_server *server, const uint8_t *output)
{
    const ek_tensor *const in = &server->model->inputs[0];
    const ek_tensor *const out = &server->model->outputs[0];
    const uint8_t *const input = ek_run_input_copy(server, 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < out->size_bytes; i++) {
        const int64_t difference = fixed_point(in, input, i) - fixed_point(out, output, i);
        sum += (uint64_t)(difference * difference);
    }
    ek_say_thousandths(false, sum / out->size_bytes * 1000 >> (2 * MSE_BITS));
}

static bool is_autoencoder(const ek_model *model)
{
    const uint32_t size = model->outputs[0].size_bytes;
    return ek_starts_with(model->name, "ad") && model->inputs[0].type == EK_INT8 &&
           model->outputs[0].type == EK_INT8 && model->inputs[0].size_bytes == size && size > 0 &&
           size <= MSE_MAX_COUNT;
}

static void say_values(const ek_tensor *tensor, const uint8_t *bytes)
{
    const size_t count = (size_t)(tensor->size_bytes / element_bytes(tensor));
    for (size_t i = 0; i < count; i++) {
        ek_say(i == 0 ? "" : ",");
        say_value(tensor, bytes, i);
    }
}

void ek_text_results(ek_server *server)
{
    const ek_model *const model = server->model;
    const uint8_t *const output = server->has_outputs ? model->output(0) : NULL;
    if (output == NULL) {
        ek_say("e-[No results]\r\n");
        return;
    }
    if (element_bytes(&model->outputs[0]) == 0) {
        ek_say("e-[No text form for the type of the output]\r\n");
        return;
    }
    ek_say("m-results-[");
    if (is_autoencoder(model)) {
        say_squared_error(server, output);
    } else {
        say_values(&model->outputs[0], output);
    }
    ek_say("]\r\n");
}

#endif
