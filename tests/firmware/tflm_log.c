/* tflm_log.c: feeds ek_tflm_log.c with messages, as TensorFlow Lite Micro's MicroPrintf does. */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "edgekit/ek_server.h"

void DebugLog(const char *format, va_list arguments);
int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

void ek_log(const char *line)
{
    printf("log: %s\n", line);
}

static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    DebugLog(format, arguments);
    va_end(arguments);
}

static void micro_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    DebugLog(format, arguments);
    va_end(arguments);
    say("\r\n");
}

/* Says where the C library's own formatting differs. */
static void compare(size_t size, const char *format, ...)
{
    char ours[160], theirs[160];
    va_list arguments;
    va_start(arguments, format);
    const int length = DebugVsnprintf(ours, size, format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    vsnprintf(theirs, size, format, arguments);
    va_end(arguments);
    if (strcmp(ours, theirs) != 0 || (size_t)length != strlen(ours)) {
        printf("%s: \"%s\" (%d), not \"%s\"\n", format, ours, length, theirs);
    }
}

int main(void)
{
    compare(160, "plain, 100%% of it");
    compare(160, "%d %d %d %i", 0, INT_MAX, INT_MIN, -7);
    compare(160, "%u %x %X", UINT_MAX, 0xbeefu, 7u);
    compare(160, "%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX);
    compare(160, "%zu %s %c.", SIZE_MAX, "words", 'c');
    compare(8, "cut off after %s", "seven");
    compare(1, "%d", 5);

    micro_printf("Failed to resize buffer. Requested: %u, available %u, missing: %u", 100u, 60u,
                 40u);
    say("in two ");
    micro_printf("parts: %s", "CONV_2D");
    micro_printf("a fraction %f, then %d", 0.5, 3);
    micro_printf("%s", NULL);
    for (int i = 0; i < 20; i++) {
        say("0123456789");
    }
    micro_printf("");
    return 0;
}
