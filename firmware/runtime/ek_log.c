/* ek_log.c: the last lines that the firmware had to say, in a ring buffer. */
#include "ek_log.h"

#include "edgekit/ek_server.h"

#if EK_LOG_BYTES < 64
#error "EK_LOG_BYTES must be at least 64"
#endif

static char ring[EK_LOG_BYTES];
static uint32_t written; /* bytes ever; wraps after 4 GiB of log */
static size_t head;      /* where the next byte goes */
static size_t held;

static void append(char byte)
{
    ring[head] = byte;
    head = (head + 1) % EK_LOG_BYTES;
    held += held < EK_LOG_BYTES ? 1u : 0u;
    written++;
}

static void append_string(const char *string)
{
    while (*string != '\0') {
        append(*string++);
    }
}

void ek_log(const char *line)
{
    append_string(line);
    append('\n');
}

void ek_log_number(const char *line, uint32_t number)
{
    char digits[11];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append_string(line);
    append(' ');
    ek_log(&digits[at]);
}

size_t ek_log_read(uint32_t *position, uint8_t *bytes, size_t size)
{
    const uint32_t oldest = written - (uint32_t)held;
    uint32_t skipped = *position - oldest;
    if (skipped > held) { /* before the oldest byte, or past the newest */
        skipped = 0;
    }
    size_t count = (size_t)(held - skipped);
    count = count < size ? count : size;
    const size_t from = (head + EK_LOG_BYTES - held + skipped) % EK_LOG_BYTES;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)ring[(from + i) % EK_LOG_BYTES];
    }
    *position = oldest + skipped;
    return count;
}
