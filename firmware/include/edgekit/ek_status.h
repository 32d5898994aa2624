/* ek_status.h: how every fallible edgekit function ends.
 *
 * Negative, so that functions that return a count can return either. */
#ifndef EDGEKIT_EK_STATUS_H
#define EDGEKIT_EK_STATUS_H

typedef enum {
    EK_OK = 0,
    EK_ERR_ARGUMENT = -1,    /* an argument is out of its stated range */
    EK_ERR_ARENA = -2,       /* the arena is too small or not aligned to 16 bytes */
    EK_ERR_STATE = -3,       /* called before init, or in the wrong order */
    EK_ERR_TIMEOUT = -4,     /* nothing arrived in the time allowed */
    EK_ERR_FRAME = -5,       /* a frame's COBS code, length or CRC is wrong */
    EK_ERR_UNSUPPORTED = -6, /* this build does not contain what was asked for */
    EK_ERR_PORT = -7         /* the port's hardware or operating system refused */
} ek_status;

#endif
