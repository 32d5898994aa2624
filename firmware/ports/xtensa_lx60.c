/* xtensa_lx60.c: QEMU's LX60 FPGA board with an LX106 core (the ESP8266's): a 16550 UART whose
 * registers lie four bytes apart, and the CPU's cycle counter.
 *
 * The counter has 32 bits and wraps every 107 s of emulated time: two calls of ek_port_ticks()
 * further apart than that give too small a difference. */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_BASE             0xFD050020u
#define UART_DATA             WORD(UART_BASE + 0x00u)
#define UART_INTERRUPT_ENABLE WORD(UART_BASE + 0x04u)
#define UART_LINE_CONTROL     WORD(UART_BASE + 0x0Cu)
#define UART_LINE_STATUS      WORD(UART_BASE + 0x14u)
#define UART_INTERRUPT_RX     1u
#define UART_8N1              3u
#define UART_STATUS_RX_READY  0x01u
#define UART_STATUS_TX_READY  0x20u

#define FPGA_RESET     WORD(0xFD020010u)
#define FPGA_RESET_NOW 0xDEADu

#define INTERRUPT_UART  (1u << 0)
#define INTERRUPT_TIMER (1u << 6)

#define RESET_NOTE_SOFTWARE 0x5EB007EDu

/* From the linker script. The note lies in RAM that start-up leaves as it was. */
extern uint8_t ek_stack_limit[];
extern volatile uint32_t ek_reset_note[];

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;

ek_status ek_port_init(void)
{
    /* The FIFO stays off: to switch it on empties it of what the host may have sent already. */
    UART_LINE_CONTROL = UART_8N1;
    UART_INTERRUPT_ENABLE = UART_INTERRUPT_RX;
    reset_cause = ek_reset_note[0] == RESET_NOTE_SOFTWARE ? EK_RESET_SOFTWARE : EK_RESET_POWER_ON;
    ek_reset_note[0] = 0;
    return EK_OK;
}

static uint32_t cycles(void)
{
    uint32_t count;
    __asm__ volatile("rsr %0, ccount" : "=a"(count)::"memory");
    return count;
}

/* Sleep until one of `sources` is pending. Interrupts are held off until WAITI lets them in, so
 * none can slip in before it; start-up's handler then only turns all sources off. */
static void sleep_until(uint32_t sources)
{
    uint32_t level;
    __asm__ volatile("rsil %0, 1\n\twsr %1, intenable\n\trsync\n\twaiti 0"
                     : "=&a"(level)
                     : "a"(sources)
                     : "memory");
}

static bool is_byte_there_within(uint32_t timeout_ms)
{
    uint32_t left_ms = timeout_ms;
    while ((UART_LINE_STATUS & UART_STATUS_RX_READY) == 0 && left_ms > 0) {
        if (timeout_ms == EK_FOREVER) {
            sleep_until(INTERRUPT_UART);
        } else {
            const uint32_t deadline = cycles() + EK_CLOCK_HZ / 1000u;
            __asm__ volatile("wsr %0, ccompare0\n\tesync" ::"r"(deadline) : "memory");
            sleep_until(INTERRUPT_UART | INTERRUPT_TIMER);
            left_ms--;
        }
    }
    return (UART_LINE_STATUS & UART_STATUS_RX_READY) != 0;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    int32_t count = 0;
    while ((size_t)count < size && (UART_LINE_STATUS & UART_STATUS_RX_READY) != 0) {
        bytes[count++] = (uint8_t)UART_DATA;
    }
    return count;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_LINE_STATUS & UART_STATUS_TX_READY) == 0) {
        }
        UART_DATA = bytes[i];
    }
    return EK_OK;
}

uint64_t ek_port_ticks(void)
{
    static uint32_t last;
    static uint32_t wraps;
    const uint32_t now = cycles();
    wraps += (uint32_t)(now < last);
    last = now;
    return (uint64_t)wraps << 32 | now;
}

uint32_t ek_port_ticks_hz(void)
{
    return EK_CLOCK_HZ;
}

uint8_t *ek_port_stack_limit(void)
{
    return ek_stack_limit;
}

ek_status ek_port_reboot(void)
{
    ek_reset_note[0] = RESET_NOTE_SOFTWARE;
    FPGA_RESET = FPGA_RESET_NOW;
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
