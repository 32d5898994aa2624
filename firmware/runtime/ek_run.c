/* ek_run.c: runs of the model, always over the server's copy of the inputs. */
#include <string.h>

#include "ek_server_state.h"
#include "ek_stack.h"

#define CALIBRATION_CALLS 4

uint8_t *ek_run_input_copy(const ek_server *server, size_t i)
{
    uint8_t *at = server->config->input_copy;
    for (size_t before = 0; before < i; before++) {
        at += server->model->inputs[before].size_bytes;
    }
    return at;
}

size_t ek_run_inputs_bytes(const ek_model *model)
{
    size_t bytes = 0;
    for (size_t i = 0; i < model->input_count; i++) {
        bytes += (size_t)model->inputs[i].size_bytes;
    }
    return bytes;
}

void ek_run_reset(ek_server *server)
{
    memset(server->config->input_copy, 0, server->config->input_copy_bytes);
    server->has_outputs = false;
}

static ek_status load_inputs(ek_server *server)
{
    if (server->model_status != EK_OK) {
        server->cause = "the model did not start";
        return server->model_status;
    }
    server->has_outputs = false;
    for (size_t i = 0; i < server->model->input_count; i++) {
        void *input = server->model->input(i);
        if (input == NULL) {
            server->cause = "the model has no place for an input";
            return EK_ERR_STATE;
        }
        memcpy(input, ek_run_input_copy(server, i), (size_t)server->model->inputs[i].size_bytes);
    }
    return EK_OK;
}

static ek_status finish(ek_server *server, ek_status status)
{
    server->has_outputs = status == EK_OK;
    if (status != EK_OK) {
        server->cause = "the model's invoke failed";
    }
    return status;
}

static ek_status run_timed(const ek_model *model, uint64_t *ticks)
{
    ek_status (*const invoke)(void) = model->invoke;
    const uint64_t start = ek_port_ticks();
    const ek_status status = invoke();
    const uint64_t end = ek_port_ticks();
    *ticks = end - start;
    return status;
}

static void pause_hook(void *context, size_t step)
{
    const uint64_t start = ek_port_ticks();
    uint64_t *const paused = context;
    (void)step;
    ek_port_yield();
    *paused += ek_port_ticks() - start;
}

/* The same, with a pause between the steps that is not counted. */
static ek_status run_timed_with_pauses(const ek_model *model, uint64_t *ticks)
{
    uint64_t paused = 0;
    const uint64_t start = ek_port_ticks();
    const ek_status status = model->invoke_hooked(pause_hook, &paused);
    const uint64_t end = ek_port_ticks();
    *ticks = end - start - paused;
    return status;
}

/* A run as long as the last one, or one of which nothing is known, would starve a watchdog. */
static bool needs_pauses(const ek_server *server)
{
    const uint64_t patience = ek_port_patience();
    return server->model->invoke_hooked != NULL && patience != UINT64_MAX &&
           (server->run_ticks == 0 || server->run_ticks > patience);
}

ek_status ek_run_once(ek_server *server, uint64_t *ticks)
{
    const ek_status loaded = load_inputs(server);
    if (loaded != EK_OK) {
        return loaded;
    }
    ek_port_yield();
    const ek_status status = needs_pauses(server)
                                 ? run_timed_with_pauses(server->model, &server->run_ticks)
                                 : run_timed(server->model, &server->run_ticks);
    if (ticks != NULL) {
        *ticks = server->run_ticks;
    }
    return finish(server, status);
}

static ek_status run_hooked(ek_server *server, ek_step_hook hook, void *context)
{
    if (server->model->invoke_hooked == NULL) {
        server->cause = "the model was built without profiling";
        return EK_ERR_UNSUPPORTED;
    }
    return server->model->invoke_hooked(hook, context);
}

typedef struct {
    ek_writer *ticks;
    size_t first, seen;
    bool measuring; /* false while the hook's own cost is found */
    uint64_t overhead, previous;
} profile;

/* The first and last things done here are readings: what lies between is in no step's ticks. */
static void profile_hook(void *context, size_t step)
{
    const uint64_t now = ek_port_ticks();
    profile *const p = context;
    const uint64_t elapsed = now - p->previous;
    if (!p->measuring) {
        p->overhead = elapsed < p->overhead ? elapsed : p->overhead;
    } else if (step == p->seen++ && step >= p->first && p->ticks->left >= 8) {
        ek_put_u64(p->ticks, elapsed > p->overhead ? elapsed - p->overhead : 0);
    }
    ek_port_yield();
    p->previous = ek_port_ticks();
}

/* What two calls of the hook with nothing between them measure, at best. */
static void find_overhead(profile *p)
{
    ek_step_hook volatile hook = profile_hook; /* called through memory, as a model does */
    p->overhead = UINT64_MAX;
    p->previous = ek_port_ticks();
    for (size_t i = 0; i < CALIBRATION_CALLS; i++) {
        hook(p, i);
    }
    p->measuring = true;
}

ek_status ek_run_profile(ek_server *server, size_t first, ek_writer *ticks)
{
    const ek_status loaded = load_inputs(server);
    if (loaded != EK_OK) {
        return loaded;
    }
    profile p = {.ticks = ticks, .first = first};
    find_overhead(&p);
    p.previous = ek_port_ticks();
    const ek_status status = run_hooked(server, profile_hook, &p);
    if (status == EK_OK && p.seen != server->model->step_count) {
        server->cause = "the model called its hook for other steps than it describes";
        return EK_ERR_STATE;
    }
    return status == EK_ERR_UNSUPPORTED ? status : finish(server, status);
}

typedef struct {
    const ek_server *server;
    ek_writer *digests;
    size_t first, seen;
    bool outside; /* a step's output is said to lie outside of the arena */
} digest;

static void digest_hook(void *context, size_t step)
{
    digest *const d = context;
    ek_port_yield();
    const ek_model *const model = d->server->model;
    if (step != d->seen++ || step >= model->step_count || step < d->first || d->digests->left < 4) {
        return;
    }
    const size_t offset = (size_t)model->steps[step].output_offset;
    const size_t bytes = (size_t)model->steps[step].output_bytes;
    const size_t arena_bytes = d->server->config->arena_bytes;
    if (offset > arena_bytes || bytes > arena_bytes - offset) {
        d->outside = true;
        return;
    }
    const uint8_t *const arena = d->server->config->arena;
    ek_put_u32(d->digests, ek_crc32(0, arena + offset, bytes));
}

ek_status ek_run_digests(ek_server *server, size_t first, ek_writer *digests)
{
    const ek_status loaded = load_inputs(server);
    if (loaded != EK_OK) {
        return loaded;
    }
    digest d = {.server = server, .digests = digests, .first = first};
    const ek_status status = run_hooked(server, digest_hook, &d);
    if (status == EK_OK && (d.outside || d.seen != server->model->step_count)) {
        server->cause = d.outside ? "a step's output lies outside of the arena"
                                  : "the model called its hook for other steps than it describes";
        return EK_ERR_STATE;
    }
    return status == EK_ERR_UNSUPPORTED ? status : finish(server, status);
}

ek_status ek_run_stack(ek_server *server, uint32_t *stack_bytes)
{
    const ek_status loaded = load_inputs(server);
    if (loaded != EK_OK) {
        return loaded;
    }
    ek_status status = EK_OK;
    *stack_bytes = ek_stack_used_by(server->model->invoke, &status);
    return finish(server, status);
}
