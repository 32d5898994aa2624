/* drill.c: exercises a port and its start-up code: one letter in, an answer out. */
#include <string.h>

#include "edgekit/ek_port.h"
#include "ek_tiny.h"

static EK_ALIGNED(EK_ARENA_ALIGNMENT) uint8_t ek_inference_arena[EK_TINY_ARENA_BYTES];
static volatile uint32_t initialised = 0x12345678u;
static volatile uint32_t zeroed;

static uint8_t read_byte(void)
{
    uint8_t byte = 0;
    while (ek_port_read(&byte, 1, EK_FOREVER) != 1) {
    }
    return byte;
}

static void write_number(uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    (void)ek_port_write(bytes, sizeof bytes);
}

static void invoke(void)
{
    uint8_t *const input = ek_tiny.input(0);
    for (size_t i = 0; i < ek_tiny.inputs[0].size_bytes; i++) {
        input[i] = read_byte();
    }
    const uint64_t start = ek_port_ticks();
    const ek_status status = ek_tiny.invoke();
    const uint64_t end = ek_port_ticks();
    write_number(status == EK_OK ? end - start : UINT64_MAX);
    write_number(ek_port_ticks_hz());
    (void)ek_port_write(ek_tiny.output(0), ek_tiny.outputs[0].size_bytes);
}

static void wait_in_vain(void)
{
    uint8_t byte;
    const int32_t status = ek_port_read(&byte, 1, 200);
    write_number(status == EK_ERR_TIMEOUT ? 1 : 0);
}

/* 0xFFFFFFFC is mapped on none of the boards. */
static void fault(void)
{
    *(volatile uint32_t *)(uintptr_t)0xFFFFFFFCu = 1;
}

/* Deeper than any stack that start-up sets aside, and the compiler cannot see why it would end. */
static uint32_t recurse(uint32_t depth)
{
    volatile uint8_t frame[256];
    frame[depth % sizeof frame] = (uint8_t)depth;
    const uint32_t below = initialised != 0 ? recurse(depth + 1) : 0;
    return below + frame[depth % sizeof frame];
}

static void spin(uint32_t rounds)
{
    const uint64_t start = ek_port_ticks();
    for (uint32_t i = 0; i < rounds; i++) {
        __asm__ volatile("" ::: "memory");
    }
    write_number(ek_port_ticks() - start);
    write_number(ek_port_ticks_hz());
}

static void state(void)
{
    uint8_t here;
    const uint8_t *const limit = ek_port_stack_limit();
    write_number((uint64_t)ek_port_reset_cause());
    write_number(initialised == 0x12345678u && zeroed == 0 ? 1 : 0);
    write_number(limit != NULL ? (uint64_t)((uintptr_t)&here - (uintptr_t)limit) : 0);
    initialised = 1; /* start-up must undo this when the board resets */
    zeroed = 1;
}

int main(void)
{
    if (ek_port_init() != EK_OK ||
        ek_tiny.init(ek_inference_arena, sizeof ek_inference_arena) != EK_OK) {
        return 1;
    }
    for (;;) {
        uint8_t command;
        const int32_t count = ek_port_read(&command, 1, EK_FOREVER);
        if (count == EK_ERR_PORT) {
            return 0;
        }
        switch (count == 1 ? command : 0) {
        case 'E':
            for (uint8_t left = read_byte(); left > 0; left--) {
                const uint8_t byte = read_byte();
                (void)ek_port_write(&byte, 1);
            }
            break;
        case 'I':
            invoke();
            break;
        case 'W':
            wait_in_vain();
            break;
        case 'S':
            state();
            break;
        case 'L':
            spin((uint32_t)read_byte() << 24);
            break;
        case 'F':
            fault();
            break;
        case 'O':
            write_number(recurse(0));
            break;
        case 'R':
            (void)ek_port_reboot();
            break;
        case 'Q':
            return 3;
        default:
            break;
        }
    }
}
