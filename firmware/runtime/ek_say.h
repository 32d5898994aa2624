/* ek_say.h: text to the link, piece by piece. */
#ifndef EDGEKIT_EK_SAY_H
#define EDGEKIT_EK_SAY_H

#include <stdbool.h>
#include <stdint.h>

void ek_say(const char *text);

void ek_say_number(uint64_t number);

/* `text`, `number`, and the end of the line. */
void ek_say_line(const char *text, uint64_t number);

/* thousandths / 1000 as printf's %0.3f gives it. */
void ek_say_thousandths(bool negative, uint64_t thousandths);

/* With memcmp and strlen alone: not every toolchain for a bare chip has the other functions. */
bool ek_starts_with(const char *text, const char *start);

#endif
