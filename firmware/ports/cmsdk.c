/* cmsdk.c: Arm's MPS2 and MPS3 FPGA images: the CMSDK UART, and a counter at the CPU's clock.
 *
 * The board file defines, through -D:
 *   EK_CLOCK_HZ               clock of the CPU, of its timers and of its counter
 *   EK_UART_BASE              CMSDK APB UART
 *   EK_UART_RX_IRQ            its receive interrupt (0..239); used only to wake the CPU
 * and either
 *   EK_TIMER_BASE             CMSDK APB timer: 32 bits, counts down
 *   EK_DUAL_TIMER_BASE        CMSDK dual timer, divided by 256: tells how often the first wrapped
 * or
 *   EK_COUNTER_CONTROL_BASE   control frame of the SSE-300 system counter: 64 bits
 *   EK_COUNTER_READ_BASE      its read frame */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_DATA             REGISTER(EK_UART_BASE + 0x00u)
#define UART_STATE            REGISTER(EK_UART_BASE + 0x04u)
#define UART_CONTROL          REGISTER(EK_UART_BASE + 0x08u)
#define UART_INTERRUPT        REGISTER(EK_UART_BASE + 0x0Cu)
#define UART_DIVIDER          REGISTER(EK_UART_BASE + 0x10u)
#define UART_STATE_TX_FULL    1u
#define UART_STATE_RX_FULL    2u
#define UART_CONTROL_TX_RX_IE 0x0Bu /* transmit, receive, receive interrupt */
#define UART_INTERRUPT_RX     2u
#define UART_DIVIDER_MIN      16u

#define SYSTICK_CONTROL     REGISTER(0xE000E010u)
#define SYSTICK_RELOAD      REGISTER(0xE000E014u)
#define SYSTICK_VALUE       REGISTER(0xE000E018u)
#define SYSTICK_RUN         7u /* enabled, pends its exception, CPU clock */
#define SYSTICK_HAS_COUNTED (1u << 16)

#define NVIC_ENABLE          REGISTER(0xE000E100u + 4u * (EK_UART_RX_IRQ / 32u))
#define NVIC_CLEAR_PENDING   REGISTER(0xE000E280u + 4u * (EK_UART_RX_IRQ / 32u))
#define NVIC_UART            (1u << (EK_UART_RX_IRQ % 32u))
#define SCB_ICSR             REGISTER(0xE000ED04u)
#define SCB_ICSR_SYSTICK_OFF (1u << 25)
#define SCB_AIRCR            REGISTER(0xE000ED0Cu)
#define SCB_AIRCR_RESET      0x05FA0004u

#define RESET_NOTE_SOFTWARE 0x5EB007EDu

/* From the linker script. The note lies in RAM that start-up leaves as it was. */
extern uint8_t ek_stack_limit[];
extern volatile uint32_t ek_reset_note[];

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;

#if defined(EK_COUNTER_READ_BASE)

#define COUNTER_CONTROL REGISTER(EK_COUNTER_CONTROL_BASE)
#define COUNTER_LOW     REGISTER(EK_COUNTER_READ_BASE)
#define COUNTER_HIGH    REGISTER(EK_COUNTER_READ_BASE + 4u)

static void counter_start(void)
{
    COUNTER_CONTROL = 1;
}

uint64_t ek_port_ticks(void)
{
    uint32_t high, low;
    do {
        high = COUNTER_HIGH;
        low = COUNTER_LOW;
    } while (high != COUNTER_HIGH);
    return (uint64_t)high << 32 | low;
}

#else

#define TIMER_CONTROL       REGISTER(EK_TIMER_BASE + 0x0u)
#define TIMER_VALUE         REGISTER(EK_TIMER_BASE + 0x4u)
#define TIMER_RELOAD        REGISTER(EK_TIMER_BASE + 0x8u)
#define DUAL_LOAD           REGISTER(EK_DUAL_TIMER_BASE + 0x0u)
#define DUAL_VALUE          REGISTER(EK_DUAL_TIMER_BASE + 0x4u)
#define DUAL_CONTROL        REGISTER(EK_DUAL_TIMER_BASE + 0x8u)
#define DUAL_RUN_BY_256     0xCAu /* enabled, periodic, 32 bits, one tick in 256 */
#define DUAL_TICKS_LOG2     8
#define COARSE_PERIOD_TICKS ((uint64_t)1 << (32 + DUAL_TICKS_LOG2))

static void counter_start(void)
{
    DUAL_CONTROL = 0;
    DUAL_LOAD = UINT32_MAX;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    DUAL_CONTROL = DUAL_RUN_BY_256;
    TIMER_CONTROL = 1;
}

/* The fine timer gives the low 32 bits exactly, the coarse one all 40 bits within a few ticks:
 * the answer is the number nearest to `coarse` that ends in `fine`. Both wrap after 2^40 ticks
 * (12 hours at 25 MHz), which is seen if this is called at least that often. */
uint64_t ek_port_ticks(void)
{
    static uint64_t last, wraps;
    const uint32_t fine = ~TIMER_VALUE;
    const uint64_t coarse = (uint64_t)~DUAL_VALUE << DUAL_TICKS_LOG2;
    const uint32_t ahead = (uint32_t)coarse - fine; /* two's complement */
    const uint64_t ahead_signed = (uint64_t)(int64_t)(int32_t)ahead;
    const uint64_t ticks = (coarse - ahead_signed) & (COARSE_PERIOD_TICKS - 1);
    wraps += (uint64_t)(ticks < last);
    last = ticks;
    return wraps * COARSE_PERIOD_TICKS + ticks;
}

#endif

uint32_t ek_port_ticks_hz(void)
{
    return EK_CLOCK_HZ;
}

/* Interrupts stay masked: a pending one only ends the CPU's sleep, no handler ever runs. */
ek_status ek_port_init(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
    UART_DIVIDER = UART_DIVIDER_MIN;
    UART_CONTROL = UART_CONTROL_TX_RX_IE;
    NVIC_ENABLE = NVIC_UART;
    SYSTICK_RELOAD = EK_CLOCK_HZ / 1000u - 1u;
    counter_start();
    reset_cause = ek_reset_note[0] == RESET_NOTE_SOFTWARE ? EK_RESET_SOFTWARE : EK_RESET_POWER_ON;
    ek_reset_note[0] = 0;
    return EK_OK;
}

/* Sleep until a byte is there; SysTick wakes every millisecond to count a limited wait down. */
static bool is_byte_there_within(uint32_t timeout_ms)
{
    uint32_t left_ms = timeout_ms;
    if (timeout_ms != EK_FOREVER) {
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = SYSTICK_RUN;
    }
    while ((UART_STATE & UART_STATE_RX_FULL) == 0 && left_ms > 0) {
        __asm__ volatile("dsb\n\twfi" ::: "memory");
        NVIC_CLEAR_PENDING = NVIC_UART;
        if (timeout_ms != EK_FOREVER && (SYSTICK_CONTROL & SYSTICK_HAS_COUNTED) != 0) {
            SCB_ICSR = SCB_ICSR_SYSTICK_OFF;
            left_ms--;
        }
    }
    SYSTICK_CONTROL = 0;
    return (UART_STATE & UART_STATE_RX_FULL) != 0;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    int32_t count = 0;
    while ((size_t)count < size && (UART_STATE & UART_STATE_RX_FULL) != 0) {
        bytes[count++] = (uint8_t)UART_DATA;
        UART_INTERRUPT = UART_INTERRUPT_RX;
    }
    return count;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
    return EK_OK;
}

uint8_t *ek_port_stack_limit(void)
{
    return ek_stack_limit;
}

ek_status ek_port_reboot(void)
{
    ek_reset_note[0] = RESET_NOTE_SOFTWARE;
    __asm__ volatile("dsb" ::: "memory");
    SCB_AIRCR = SCB_AIRCR_RESET;
    for (;;) {
        __asm__ volatile("dsb" ::: "memory");
    }
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
