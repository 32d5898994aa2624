/* tiny_model.c: see tiny_model.h. It lays its arena out as: a, b, sum, one spare, copy on top of b
 * plus one, so that every invoke destroys its inputs. */
#include "tiny_model.h"

#include <string.h>

#define A_BYTES     16
#define B_BYTES     3000
#define B_OFFSET    16
#define SUM_OFFSET  3024
#define COPY_OFFSET 17
#define STACK_BYTES 2000
#define AD_BYTES    640

uint32_t tiny_runs;
uint64_t tiny_work;
static int8_t *arena;

static ek_status init(void *memory, size_t size)
{
    if (size < TINY_ARENA_BYTES || ((uintptr_t)memory & (EK_ARENA_ALIGNMENT - 1)) != 0) {
        return EK_ERR_ARENA;
    }
    arena = memory;
    return EK_OK;
}

static void *input(size_t i)
{
    return i == 0 ? arena : i == 1 ? arena + B_OFFSET : NULL;
}

static const void *output(size_t i)
{
    return i == 0 ? arena + SUM_OFFSET : i == 1 ? arena + COPY_OFFSET : NULL;
}

static void no_hook(void *context, size_t step)
{
    (void)context;
    (void)step;
}

static ek_status invoke_hooked(ek_step_hook hook, void *context)
{
    volatile int8_t deep[STACK_BYTES];
    for (size_t i = 0; i < STACK_BYTES; i++) {
        deep[i] = 1;
    }
    tiny_runs++;
    for (size_t i = 0; i < A_BYTES; i++) {
        arena[i] = (int8_t)(arena[i] + deep[i]);
    }
    tiny_work += 100;
    hook(context, 0);
    for (size_t i = 0; i < A_BYTES; i++) {
        arena[SUM_OFFSET + i] = (int8_t)(arena[i] + arena[B_OFFSET + i]);
    }
    tiny_work += 200;
    hook(context, 1);
    memmove(arena + COPY_OFFSET, arena + B_OFFSET, B_BYTES);
    memset(arena, -1, A_BYTES);
    tiny_work += 300;
    hook(context, 2);
    return EK_OK;
}

static ek_status invoke(void)
{
    return invoke_hooked(no_hook, NULL);
}

static ek_status init_broken(void *memory, size_t size)
{
    (void)memory;
    (void)size;
    return EK_ERR_ARENA;
}

static ek_status invoke_failing(void)
{
    return EK_ERR_STATE;
}

static const ek_tensor inputs[] = {
    {"a", EK_INT8, 2, {1, A_BYTES}, A_BYTES, 0.5f, -3},
    {"b", EK_INT8, 1, {B_BYTES}, B_BYTES, 0.25f, 7},
};

static const ek_tensor outputs[] = {
    {"sum", EK_INT8, 2, {1, A_BYTES}, A_BYTES, 0.00390625f, -128},
    {"copy", EK_INT8, 1, {B_BYTES}, B_BYTES, 0.25f, 7},
};

static const ek_step steps[] = {
    {"ADD", "tiny_add_one", 0, 16, 0, A_BYTES},
    {"ADD", "tiny_add", 1, 16, SUM_OFFSET, A_BYTES},
    {"COPY", "tiny_copy", 4, 0, COPY_OFFSET, B_BYTES},
};

#define TINY(model_name, init_function, invoke_function, hooked_function, described_steps)         \
    {                                                                                              \
        .name = model_name, .engine = "aot", .sha256 = {1, 2, 3}, .arena_bytes = TINY_ARENA_BYTES, \
        .macs = 32, .input_count = 2, .output_count = 2, .step_count = described_steps,            \
        .inputs = inputs, .outputs = outputs, .steps = steps, .init = init_function,               \
        .input = input, .invoke = invoke_function, .output = output,                               \
        .invoke_hooked = hooked_function                                                           \
    }

const ek_model tiny_model = TINY("tiny", init, invoke, invoke_hooked, 3);
const ek_model tiny_broken = TINY("broken", init_broken, invoke, invoke_hooked, 3);
const ek_model tiny_failing = TINY("failing", init, invoke_failing, invoke_hooked, 3);
const ek_model tiny_plain = TINY("plain", init, invoke, NULL, 3);
const ek_model tiny_long = TINY("long", init, invoke, invoke_hooked, 3);
const ek_model tiny_short = TINY("short", init, invoke, invoke_hooked, 3);
const ek_model tiny_lying = TINY("lying", init, invoke, invoke_hooked, 2);

static size_t arena_used(void)
{
    return arena == NULL ? 0 : TINY_USED_BYTES;
}

const ek_model tiny_sparing = {
    .name = "sparing",
    .engine = "tflm",
    .arena_bytes = TINY_ARENA_BYTES,
    .input_count = 2,
    .output_count = 2,
    .step_count = 3,
    .inputs = inputs,
    .outputs = outputs,
    .steps = steps,
    .init = init,
    .input = input,
    .invoke = invoke,
    .output = output,
    .arena_used = arena_used,
};

static void *ad_input(size_t i)
{
    return i == 0 ? arena : NULL;
}

static const void *ad_output(size_t i)
{
    return i == 0 ? arena : NULL;
}

static ek_status ad_invoke(void)
{
    tiny_runs++;
    for (size_t i = 0; i < AD_BYTES; i++) {
        arena[i] = (int8_t)(arena[i] > 123 ? 127 : arena[i] + 4);
    }
    return EK_OK;
}

static const ek_tensor ad_inputs[] = {
    {"x", EK_INT8, 2, {1, AD_BYTES}, AD_BYTES, 0.3910152316f, 92},
};

static const ek_tensor ad_outputs[] = {
    {"y", EK_INT8, 2, {1, AD_BYTES}, AD_BYTES, 0.3910152316f, 92},
};

static const ek_tensor wide_tensor = {
    "w", EK_INT16, 2, {1, AD_BYTES / 2}, AD_BYTES, 0.000244140625f, 0,
};

#define TINY_ONE(model_name, first_input, first_output)                                            \
    {                                                                                              \
        .name = model_name, .engine = "aot", .arena_bytes = TINY_ARENA_BYTES, .input_count = 1,    \
        .output_count = 1, .inputs = first_input, .outputs = first_output, .init = init,           \
        .input = ad_input, .invoke = ad_invoke, .output = ad_output                                \
    }

const ek_model tiny_ad = TINY_ONE("ad01", ad_inputs, ad_outputs);
const ek_model tiny_vww = TINY_ONE("vww01", ad_inputs, ad_outputs);
const ek_model tiny_wide = TINY_ONE("ad16", &wide_tensor, &wide_tensor);
