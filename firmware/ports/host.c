/* host.c: the firmware as a process, on any POSIX system. The link is standard input and output, as
 * raw bytes.
 *
 * With EK_INSTRUCTION_COUNTER_FD=N its ticks are instructions, which a file that is open under that
 * descriptor counts: templates/qemu-plugin/instruction_counter.c. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "edgekit/ek_port.h"

#define STACK_SPAN_BYTES     ((uintptr_t)64 * 1024) /* what stack painting may touch */
#define STACK_RLIMIT_MIN     ((rlim_t)256 * 1024)   /* below this it may not */
#define RESET_CAUSE_VARIABLE "EDGEKIT_HOST_RESET"
#define REBOOT_CODE_VARIABLE "EDGEKIT_HOST_REBOOT_CODE" /* who started us starts us again */
#define COMMAND_VARIABLE     "EDGEKIT_HOST_COMMAND" /* that runs us, a word a line; else: this file */
#define COMMAND_BYTES        4096
#define COMMAND_WORDS        32

static uint8_t *stack_limit;
static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;

/* The main thread's stack grows on demand, so addresses below it are safe within the rlimit. */
static uint8_t *find_stack_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < STACK_RLIMIT_MIN) {
        return NULL;
    }
    volatile uint8_t here = 0;
    uintptr_t address = (uintptr_t)&here;
    address = (address - STACK_SPAN_BYTES) & ~(uintptr_t)15;
    return (uint8_t *)address;
}

static ek_reset_cause find_reset_cause(void)
{
    static const struct {
        const char *name;
        ek_reset_cause cause;
    } causes[] = {
        {"software", EK_RESET_SOFTWARE},
        {"watchdog", EK_RESET_WATCHDOG},
        {"fault", EK_RESET_FAULT},
        {"brown-out", EK_RESET_BROWN_OUT},
    };
    const char *const name = getenv(RESET_CAUSE_VARIABLE);
    for (size_t i = 0; name != NULL && i < sizeof causes / sizeof causes[0]; i++) {
        if (strcmp(name, causes[i].name) == 0) {
            return causes[i].cause;
        }
    }
    return EK_RESET_POWER_ON;
}

#ifdef EK_INSTRUCTION_COUNTER_FD

static const volatile uint64_t *executed;

static ek_status open_counter(void)
{
    void *const page =
        mmap(NULL, sizeof *executed, PROT_READ, MAP_SHARED, EK_INSTRUCTION_COUNTER_FD, 0);
    executed = page;
    return page == MAP_FAILED ? EK_ERR_PORT : EK_OK;
}

/* A CPU of 32 bits reads it in two halves. */
uint64_t ek_port_ticks(void)
{
    uint64_t before;
    uint64_t now = *executed;
    do {
        before = now;
        now = *executed;
    } while (before >> 32 != now >> 32);
    return now;
}

uint32_t ek_port_ticks_hz(void)
{
    return 0;
}

#else

static ek_status open_counter(void)
{
    return EK_OK;
}

uint64_t ek_port_ticks(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t ek_port_ticks_hz(void)
{
    return 1000000000u;
}

#endif

ek_status ek_port_init(void)
{
    stack_limit = find_stack_limit();
    reset_cause = find_reset_cause();
    (void)unsetenv(RESET_CAUSE_VARIABLE);
    return open_counter();
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    const int wait_ms = timeout_ms > (uint32_t)INT32_MAX ? -1 : (int)timeout_ms;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        const int ready = poll(&input, 1, wait_ms);
        if (ready == 0) {
            return EK_ERR_TIMEOUT;
        }
        if (ready > 0) {
            const ssize_t count = read(STDIN_FILENO, bytes, size < INT32_MAX ? size : INT32_MAX);
            if (count > 0) {
                return (int32_t)count;
            }
            if (count == 0 || errno != EINTR) {
                return EK_ERR_PORT; /* end of input, or the other end has gone */
            }
        } else if (errno != EINTR) {
            return EK_ERR_PORT;
        }
    }
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t count = write(STDOUT_FILENO, bytes, size);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (count == 0 || errno != EINTR) {
            return EK_ERR_PORT;
        }
    }
    return EK_OK;
}

uint8_t *ek_port_stack_limit(void)
{
    return stack_limit;
}

/* Returns only if that fails: not Linux, or no /proc. */
static void run_again(void)
{
    static char command[COMMAND_BYTES];
    char name[] = "edgekit";
    char *words[COMMAND_WORDS + 1] = {name};
    const char *const given = getenv(COMMAND_VARIABLE);
    if (given == NULL || strlen(given) >= sizeof command) {
        (void)execv("/proc/self/exe", words);
        return;
    }
    size_t count = 0;
    memcpy(command, given, strlen(given) + 1);
    for (char *word = strtok(command, "\n"); word != NULL && count < COMMAND_WORDS;
         word = strtok(NULL, "\n")) {
        words[count++] = word;
    }
    (void)execv(words[0], words);
}

/* Same process, same file descriptors, new image: to the other end it is a board that reset. */
ek_status ek_port_reboot(void)
{
    const char *const code = getenv(REBOOT_CODE_VARIABLE);
    if (code != NULL) {
        _exit(atoi(code));
    }
    if (setenv(RESET_CAUSE_VARIABLE, "software", 1) == 0) {
        run_again();
        (void)unsetenv(RESET_CAUSE_VARIABLE);
    }
    return EK_ERR_UNSUPPORTED;
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
