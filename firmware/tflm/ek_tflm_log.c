/* ek_tflm_log.c: what TensorFlow Lite Micro has to say goes into the log that the host can read.
 *
 * The library leaves these two functions to its port. They know the conversions that it uses, but
 * print no fractions: stdio would take some 30 KB. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edgekit/ek_server.h"

void DebugLog(const char *format, va_list arguments);
int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

typedef struct {
    char *bytes;
    size_t size; /* with room for the final zero */
    size_t length;
} text;

static void put(text *t, char c)
{
    if (t->length + 1 < t->size) {
        t->bytes[t->length++] = c;
    }
}

static void put_string(text *t, const char *string)
{
    for (const char *c = string == NULL ? "(null)" : string; *c != '\0'; c++) {
        put(t, *c);
    }
}

static void put_number(text *t, uintmax_t number, unsigned base)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    while (count > 0) {
        put(t, digits[--count]);
    }
}

static void put_signed(text *t, intmax_t number)
{
    if (number < 0) {
        put(t, '-');
        number = -(number + 1);
        put_number(t, (uintmax_t)number + 1u, 10);
    } else {
        put_number(t, (uintmax_t)number, 10);
    }
}

typedef enum {
    INT,
    LONG,
    LONG_LONG,
    SIZE
} width;

static const char *parse_width(const char *at, width *w)
{
    while (*at == '-' || *at == '+' || *at == '#' || *at == ' ' || *at == '.' ||
           (*at >= '0' && *at <= '9')) {
        at++; /* flags, field widths and precisions are not kept */
    }
    *w = INT;
    for (; *at == 'l' || *at == 'z' || *at == 't' || *at == 'h'; at++) {
        if (*at == 'l') {
            *w = *w == LONG ? LONG_LONG : LONG;
        } else if (*at != 'h') {
            *w = SIZE;
        }
    }
    return at;
}

#define TAKE_SIGNED(w, arguments)                                                                  \
    ((w) == INT         ? (intmax_t)va_arg(arguments, int)                                         \
     : (w) == LONG      ? (intmax_t)va_arg(arguments, long)                                        \
     : (w) == LONG_LONG ? (intmax_t)va_arg(arguments, long long)                                   \
                        : (intmax_t)va_arg(arguments, ptrdiff_t))

#define TAKE_UNSIGNED(w, arguments)                                                                \
    ((w) == INT         ? (uintmax_t)va_arg(arguments, unsigned)                                   \
     : (w) == LONG      ? (uintmax_t)va_arg(arguments, unsigned long)                              \
     : (w) == LONG_LONG ? (uintmax_t)va_arg(arguments, unsigned long long)                         \
                        : (uintmax_t)va_arg(arguments, size_t))

int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments)
{
    text t = {buffer, size, 0};
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            put(&t, *at);
            continue;
        }
        width w;
        at = parse_width(at + 1, &w);
        switch (*at) {
        case 'd':
        case 'i':
            put_signed(&t, TAKE_SIGNED(w, arguments));
            break;
        case 'u':
            put_number(&t, TAKE_UNSIGNED(w, arguments), 10);
            break;
        case 'x':
        case 'X':
            put_number(&t, TAKE_UNSIGNED(w, arguments), 16);
            break;
        case 'p':
            put_number(&t, (uintptr_t)va_arg(arguments, void *), 16);
            break;
        case 'c':
            put(&t, (char)va_arg(arguments, int));
            break;
        case 's':
            put_string(&t, va_arg(arguments, const char *));
            break;
        case 'e':
        case 'f':
        case 'g':
            (void)va_arg(arguments, double);
            put_string(&t, "(a fraction)");
            break;
        case '\0':
            at--; /* the loop ends at it */
            break;
        default:
            put(&t, *at);
            break;
        }
    }
    if (size > 0) {
        buffer[t.length] = '\0';
    }
    return (int)t.length;
}

/* One message comes in several calls, the last of which ends the line. */
void DebugLog(const char *format, va_list arguments)
{
    static char line[128];
    static size_t length;
    length += (size_t)DebugVsnprintf(line + length, sizeof line - length, format, arguments);
    bool ends = length + 1 == sizeof line;
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        line[--length] = '\0';
        ends = true;
    }
    if (ends) {
        ek_log(line);
        length = 0;
    }
}
