/* ek_say.c: strings and numbers as text, without printf. */
#include "ek_say.h"

#include <string.h>

#include "edgekit/ek_port.h"

void ek_say(const char *text)
{
    (void)ek_port_write((const uint8_t *)text, strlen(text));
}

void ek_say_number(uint64_t number)
{
    char digits[21];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number > 0);
    ek_say(&digits[at]);
}

void ek_say_line(const char *text, uint64_t number)
{
    ek_say(text);
    ek_say_number(number);
    ek_say("\r\n");
}

void ek_say_thousandths(bool negative, uint64_t thousandths)
{
    char fraction[4] = {(char)('0' + (int)(thousandths / 100 % 10)),
                        (char)('0' + (int)(thousandths / 10 % 10)),
                        (char)('0' + (int)(thousandths % 10)), '\0'};
    ek_say(negative ? "-" : "");
    ek_say_number(thousandths / 1000);
    ek_say(".");
    ek_say(fraction);
}

bool ek_starts_with(const char *text, const char *start)
{
    const size_t size = strlen(start);
    return strlen(text) >= size && memcmp(text, start, size) == 0;
}
