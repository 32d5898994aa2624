/* ek_tiny.c: 16 bytes in, 16 bytes out: y[i] = 3 * x[i] + w[i], modulo 256. */
#include "ek_tiny.h"

#include "tiny_kernel.h"

#define COUNT         16
#define OUTPUT_OFFSET 16

static const int8_t ek_tiny_weights[COUNT] = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};

static const ek_tensor tiny_inputs[] = {
    {.name = "x", .type = EK_INT8, .rank = 1, .shape = {COUNT}, .size_bytes = COUNT}};
static const ek_tensor tiny_outputs[] = {
    {.name = "y", .type = EK_INT8, .rank = 1, .shape = {COUNT}, .size_bytes = COUNT}};
static const ek_step tiny_steps[] = {{.name = "TINY",
                                      .kernel = "tiny_kernel",
                                      .macs = COUNT,
                                      .output_offset = OUTPUT_OFFSET,
                                      .output_bytes = COUNT}};

static uint8_t *tiny_arena;

static ek_status ek_tiny_init(void *arena, size_t size)
{
    if (size < EK_TINY_ARENA_BYTES || (uintptr_t)arena % EK_ARENA_ALIGNMENT != 0) {
        return EK_ERR_ARENA;
    }
    tiny_arena = arena;
    return EK_OK;
}

static void *ek_tiny_input(size_t i)
{
    return i == 0 ? tiny_arena : NULL;
}

static const void *ek_tiny_output(size_t i)
{
    return i == 0 ? tiny_arena + OUTPUT_OFFSET : NULL;
}

static ek_status ek_tiny_invoke(void)
{
    if (tiny_arena == NULL) {
        return EK_ERR_STATE;
    }
    tiny_kernel((const int8_t *)tiny_arena, ek_tiny_weights, COUNT,
                (int8_t *)tiny_arena + OUTPUT_OFFSET);
    return EK_OK;
}

static ek_status ek_tiny_invoke_hooked(ek_step_hook hook, void *context)
{
    const ek_status status = ek_tiny_invoke();
    hook(context, 0);
    return status;
}

const ek_model ek_tiny = {
    .name = "tiny",
    .engine = "aot",
    .arena_bytes = EK_TINY_ARENA_BYTES,
    .macs = COUNT,
    .input_count = 1,
    .output_count = 1,
    .step_count = 1,
    .inputs = tiny_inputs,
    .outputs = tiny_outputs,
    .steps = tiny_steps,
    .init = ek_tiny_init,
    .input = ek_tiny_input,
    .invoke = ek_tiny_invoke,
    .output = ek_tiny_output,
    .invoke_hooked = ek_tiny_invoke_hooked,
};
