/* riscv_virt.c: QEMU's RV32 `virt` machine: a 16550 UART, and retired instructions as ticks. */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define BYTE(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_BASE             0x10000000u
#define UART_DATA             BYTE(UART_BASE + 0u)
#define UART_INTERRUPT_ENABLE BYTE(UART_BASE + 1u)
#define UART_LINE_CONTROL     BYTE(UART_BASE + 3u)
#define UART_LINE_STATUS      BYTE(UART_BASE + 5u)
#define UART_INTERRUPT_RX     1u
#define UART_8N1              3u
#define UART_STATUS_RX_READY  0x01u
#define UART_STATUS_TX_READY  0x20u

#define PLIC_UART_SOURCE 10u
#define PLIC_PRIORITY    WORD(0x0C000000u + 4u * PLIC_UART_SOURCE)
#define PLIC_ENABLE      WORD(0x0C002000u)
#define PLIC_THRESHOLD   WORD(0x0C200000u)
#define PLIC_CLAIM       WORD(0x0C200004u)

#define CLINT_COMPARE_LOW  WORD(0x02004000u)
#define CLINT_COMPARE_HIGH WORD(0x02004004u)
#define CLINT_TIME_LOW     WORD(0x0200BFF8u)
#define CLINT_TIME_HIGH    WORD(0x0200BFFCu)
#define CLINT_TICKS_PER_MS 10000u

#define MIE_TIMER    (1u << 7)
#define MIE_EXTERNAL (1u << 11)

#define TEST_DEVICE       WORD(0x00100000u)
#define TEST_DEVICE_RESET 0x7777u

#define RESET_NOTE_SOFTWARE 0x5EB007EDu

/* From the linker script. The note lies in RAM that start-up leaves as it was. */
extern uint8_t ek_stack_limit[];
extern volatile uint32_t ek_reset_note[];

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;

static void set_wake_sources(uint32_t mie)
{
    __asm__ volatile(
        ".option push\n\t.option arch, +zicsr\n\tcsrw mie, %0\n\t.option pop" ::"r"(mie)
        : "memory");
}

/* Interrupts stay globally off (mstatus.MIE = 0): a pending one only ends WFI. */
ek_status ek_port_init(void)
{
    /* The FIFO stays off: to switch it on empties it of what the host may have sent already. */
    UART_LINE_CONTROL = UART_8N1;
    UART_INTERRUPT_ENABLE = UART_INTERRUPT_RX;
    PLIC_PRIORITY = 1;
    PLIC_ENABLE = 1u << PLIC_UART_SOURCE;
    PLIC_THRESHOLD = 0;
    set_wake_sources(MIE_EXTERNAL);
    reset_cause = ek_reset_note[0] == RESET_NOTE_SOFTWARE ? EK_RESET_SOFTWARE : EK_RESET_POWER_ON;
    ek_reset_note[0] = 0;
    return EK_OK;
}

static uint64_t machine_time(void)
{
    uint32_t high, low;
    do {
        high = CLINT_TIME_HIGH;
        low = CLINT_TIME_LOW;
    } while (high != CLINT_TIME_HIGH);
    return (uint64_t)high << 32 | low;
}

static void wake_at(uint64_t time)
{
    CLINT_COMPARE_HIGH = UINT32_MAX; /* no early match while the two halves are written */
    CLINT_COMPARE_LOW = (uint32_t)time;
    CLINT_COMPARE_HIGH = (uint32_t)(time >> 32);
}

static bool is_byte_there_within(uint32_t timeout_ms)
{
    uint64_t deadline = UINT64_MAX;
    if (timeout_ms != EK_FOREVER) {
        deadline = machine_time() + (uint64_t)timeout_ms * CLINT_TICKS_PER_MS;
        wake_at(deadline);
        set_wake_sources(MIE_EXTERNAL | MIE_TIMER);
    }
    while ((UART_LINE_STATUS & UART_STATUS_RX_READY) == 0) {
        if (timeout_ms != EK_FOREVER && machine_time() >= deadline) {
            break;
        }
        __asm__ volatile("wfi" ::: "memory");
        const uint32_t claimed = PLIC_CLAIM;
        if (claimed != 0) {
            PLIC_CLAIM = claimed;
        }
    }
    set_wake_sources(MIE_EXTERNAL);
    return (UART_LINE_STATUS & UART_STATUS_RX_READY) != 0;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    int32_t count = 0;
    while ((size_t)count < size && (UART_LINE_STATUS & UART_STATUS_RX_READY) != 0) {
        bytes[count++] = UART_DATA;
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
    uint32_t high, low, again;
    do {
        __asm__ volatile(".option push\n\t.option arch, +zicsr\n\t"
                         "csrr %0, minstreth\n\tcsrr %1, minstret\n\tcsrr %2, minstreth\n\t"
                         ".option pop"
                         : "=&r"(high), "=&r"(low), "=&r"(again)::"memory");
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

uint32_t ek_port_ticks_hz(void)
{
    return 0; /* a tick is an instruction */
}

uint8_t *ek_port_stack_limit(void)
{
    return ek_stack_limit;
}

ek_status ek_port_reboot(void)
{
    ek_reset_note[0] = RESET_NOTE_SOFTWARE;
    TEST_DEVICE = TEST_DEVICE_RESET;
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
