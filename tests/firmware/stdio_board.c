/* stdio_board.c: the server over standard input and output, with one of the tiny models.
 *
 *     stdio_board [model]
 *
 * Its clock is no clock: a reading takes 7 ticks, a pause 1000, and the model's steps say how many
 * they take. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "edgekit/ek_server.h"
#include "tiny_model.h"

#define STACK_BYTES 65536

static uint64_t reading_ticks;
static uint8_t *stack_limit;
static bool is_rebooted;
static char **arguments;

ek_status ek_port_init(void)
{
    is_rebooted = arguments[2] != NULL;
    return EK_OK;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
    const int ready = poll(&wait, 1, timeout_ms == EK_FOREVER ? -1 : (int)timeout_ms);
    if (ready <= 0) {
        return ready == 0 || errno == EINTR ? EK_ERR_TIMEOUT : EK_ERR_PORT;
    }
    const ssize_t count = read(STDIN_FILENO, bytes, size);
    return count > 0 ? (int32_t)count : EK_ERR_PORT;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t count = write(STDOUT_FILENO, bytes, size);
        if (count <= 0) {
            return EK_ERR_PORT;
        }
        bytes += count;
        size -= (size_t)count;
    }
    return EK_OK;
}

uint64_t ek_port_ticks(void)
{
    reading_ticks += 7;
    return reading_ticks + tiny_work;
}

uint32_t ek_port_ticks_hz(void)
{
    return 1000000;
}

uint8_t *ek_port_stack_limit(void)
{
    return stack_limit;
}

/* Runs itself anew, with one argument more to know it by. */
ek_status ek_port_reboot(void)
{
    char *const again[] = {arguments[0], arguments[1], "rebooted", NULL};
    if (strcmp(arguments[1], "plain") == 0) {
        return EK_ERR_UNSUPPORTED;
    }
    (void)execv(arguments[0], again);
    return EK_ERR_PORT;
}

ek_reset_cause ek_port_reset_cause(void)
{
    return is_rebooted ? EK_RESET_SOFTWARE : EK_RESET_POWER_ON;
}

void ek_port_yield(void)
{
    tiny_work += 1000;
}

uint64_t ek_port_patience(void)
{
    const bool is_long = strcmp(arguments[1], "long") == 0;
    const bool is_short = strcmp(arguments[1], "short") == 0;
    return is_long ? 500 : is_short ? 1000 : UINT64_MAX;
}

static const ek_model *model_named(const char *name)
{
    static const ek_model *const models[] = {
        &tiny_model,   &tiny_ad,   &tiny_vww,     &tiny_broken, &tiny_plain, &tiny_lying,
        &tiny_failing, &tiny_wide, &tiny_sparing, &tiny_long,   &tiny_short};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strcmp(models[i]->name, name) == 0) {
            return models[i];
        }
    }
    return &tiny_model;
}

static ek_status run(const ek_model *model)
{
    static uint8_t EK_ALIGNED(16) arena[TINY_ARENA_BYTES];
    static uint8_t input_copy[TINY_INPUTS_BYTES];
    const ek_server_config config = {.model = model,
                                     .arena = arena,
                                     .arena_bytes = sizeof arena,
                                     .input_copy = input_copy,
                                     .input_copy_bytes = sizeof input_copy,
                                     .board_id = "stdio",
                                     .version = "1.2.3+0123456789abcdef"};
    return ek_server_run(&config);
}

int main(int count, char **given)
{
    static char tiny[] = "tiny";
    static char *defaults[] = {NULL, tiny, NULL};
    uint8_t here;
    defaults[0] = given[0];
    arguments = count > 1 ? given : defaults;
    /* The first pages below exist already; the rest of the stack grows when it is painted. */
    stack_limit = (uint8_t *)((uintptr_t)&here - STACK_BYTES);
    return run(model_named(arguments[1])) == EK_ERR_PORT ? 0 : 1;
}
