/* rp2350_say.h: how an RP2350 says what went wrong and how it ends, whichever core it is. */
#ifndef EDGEKIT_RP2350_SAY_H
#define EDGEKIT_RP2350_SAY_H

#include <stdint.h>

#define STACK_DUMP_LINES 16
#define LINE_END         "\r\n"

#define RESET_NOTE_SOFTWARE 0x5EB007EDu
#define RESET_NOTE_FAULT    0xFA017EDEu

/* rp2350.c */
void ek_chip_init(void);
void ek_chip_say(const char *text);
__attribute__((noreturn)) void ek_restart(uint32_t note);

__attribute__((noreturn)) void ek_exit(int status);

static void say(const char *text)
{
    ek_chip_say(text);
}

/* main has returned, or a trap's report has trapped. */
__attribute__((noreturn)) void ek_exit(int status)
{
    ek_restart(status == 0 ? RESET_NOTE_SOFTWARE : RESET_NOTE_FAULT);
}

__attribute__((noreturn)) static void leave_after_fault(void)
{
    ek_exit(1);
}

#endif
