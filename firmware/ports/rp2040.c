/* rp2040.c: an RP2040 without a framework; startup/rp2040* has set its clocks.
 *
 * The link is UART0 (GPIO0 sends, GPIO1 receives, 115200 baud, 8N1). An interrupt moves what
 * arrives to a ring, so that nothing is lost while the model runs.
 *
 * A tick is a cycle of the CPU, at EK_CLOCK_HZ. SysTick counts them in 24 bits, 0.13 s; the timer
 * counts microseconds in 64, from the same crystal, and tells which of the many moments that
 * SysTick shows it was. No interrupt is needed for that, which would cost the model cycles. */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define TICKS_PER_US (EK_CLOCK_HZ / 1000000u)

#define SYSTICK_CONTROL     WORD(0xE000E010u)
#define SYSTICK_CONTROL_CPU 5u /* on, at the CPU's clock */
#define SYSTICK_RELOAD      WORD(0xE000E014u)
#define SYSTICK_VALUE       WORD(0xE000E018u) /* counts down */
#define SYSTICK_MASK        0xFFFFFFu

#define TIMER_HIGH       WORD(0x40054008u) /* as it was when the low word was read */
#define TIMER_LOW        WORD(0x4005400Cu)
#define TIMER_ALARM      WORD(0x40054010u)
#define TIMER_ARMED      WORD(0x40054020u) /* a 1 disarms */
#define TIMER_LOW_NOW    WORD(0x40054028u)
#define TIMER_RAISED     WORD(0x40054034u) /* a 1 clears */
#define TIMER_INTERRUPTS WORD(0x40054038u)
#define TIMER_ALARM_0    1u
#define US_PER_MS        1000u

#define NVIC_ENABLE WORD(0xE000E100u)
#define NVIC_TIMER  (1u << 0)
#define NVIC_UART   (1u << 20)

#define PIN_0_FUNCTION WORD(0x40014004u)
#define PIN_1_FUNCTION WORD(0x4001400Cu)
#define FUNCTION_UART  2u

#define UART_DATA           WORD(0x40034000u)
#define UART_STATE          WORD(0x40034018u)
#define UART_STATE_RX_EMPTY (1u << 4)
#define UART_STATE_TX_FULL  (1u << 5)
#define UART_DIVIDER        WORD(0x40034024u)
#define UART_DIVIDER_64THS  WORD(0x40034028u)
#define UART_FORMAT         WORD(0x4003402Cu)
#define UART_FORMAT_8N1     (3u << 5 | 1u << 4) /* 8 bits, with its 32-byte buffers */
#define UART_CONTROL        WORD(0x40034030u)
#define UART_CONTROL_ON     (1u << 9 | 1u << 8 | 1u)
#define UART_INTERRUPTS     WORD(0x40034038u)
#define UART_CLEAR          WORD(0x40034044u)
#define UART_RECEIVED       (1u << 6 | 1u << 4) /* also fewer bytes than raise it, after a while */
#define BAUD                115200u
#define DIVIDER_64THS       ((EK_CLOCK_HZ * 4u + BAUD / 2u) / BAUD) /* clock / 16 / baud * 64 */

#define RING_BYTES 2048u /* a power of two, and more than a frame: no host sends two unanswered */

#define WATCHDOG_REASON          WORD(0x40058008u)
#define WATCHDOG_REASON_TIMER    1u
#define WATCHDOG_REASON_ASKED    2u
#define WATCHDOG_NOTE            WORD(0x4005800Cu)
#define RESET_NOTE_SOFTWARE      0x5EB007EDu
#define RESET_NOTE_FAULT         0xFA017EDEu
#define CHIP_RESET               WORD(0x40064008u)
#define CHIP_RESET_POWER_OR_LINE (1u << 16 | 1u << 8) /* the RUN pin; power on or too low */

/* From the linker script and the start-up code. */
extern uint8_t ek_stack_limit[];
__attribute__((noreturn)) void ek_restart(uint32_t note);
void ek_timer_interrupt(void);
void ek_uart_interrupt(void);

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;
static uint32_t systick_start; /* what SysTick would show when the timer showed 0 */
static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t ring_written, ring_read;

static ek_reset_cause cause_of_reset(void)
{
    const uint32_t note = WATCHDOG_NOTE;
    WATCHDOG_NOTE = 0;
    if (WATCHDOG_REASON == 0) {
        return (CHIP_RESET & CHIP_RESET_POWER_OR_LINE) != 0 ? EK_RESET_POWER_ON : EK_RESET_UNKNOWN;
    }
    if (note == RESET_NOTE_FAULT) {
        return EK_RESET_FAULT;
    }
    return (WATCHDOG_REASON & WATCHDOG_REASON_ASKED) != 0 ? EK_RESET_SOFTWARE : EK_RESET_WATCHDOG;
}

static uint64_t now_us(void)
{
    const uint32_t low = TIMER_LOW;
    return (uint64_t)TIMER_HIGH << 32 | low;
}

static uint32_t now_systick(void)
{
    return ~SYSTICK_VALUE;
}

ek_status ek_port_init(void)
{
    reset_cause = cause_of_reset();
    SYSTICK_RELOAD = SYSTICK_MASK;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_CONTROL_CPU;
    systick_start = now_systick() - (uint32_t)now_us() * TICKS_PER_US;
    TIMER_INTERRUPTS = TIMER_ALARM_0;

    PIN_0_FUNCTION = FUNCTION_UART;
    PIN_1_FUNCTION = FUNCTION_UART;
    UART_DIVIDER = DIVIDER_64THS / 64u;
    UART_DIVIDER_64THS = DIVIDER_64THS % 64u;
    UART_FORMAT = UART_FORMAT_8N1; /* after the divider, which it puts in force */
    UART_CONTROL = UART_CONTROL_ON;
    UART_INTERRUPTS = UART_RECEIVED;
    NVIC_ENABLE = NVIC_UART | NVIC_TIMER;
    return EK_OK;
}

/* Its only use is to end the CPU's sleep. */
void ek_timer_interrupt(void)
{
    TIMER_RAISED = TIMER_ALARM_0;
}

void ek_uart_interrupt(void)
{
    UART_CLEAR = UART_RECEIVED;
    while ((UART_STATE & UART_STATE_RX_EMPTY) == 0) {
        const uint8_t byte = (uint8_t)UART_DATA;
        if (ring_written - ring_read < RING_BYTES) {
            ring[ring_written % RING_BYTES] = byte;
            ring_written++;
        }
    }
}

/* Interrupts are off from the check that nothing is there until the CPU sleeps, which a pending one
 * ends all the same: none is slept over. */
static bool is_byte_there_within(uint32_t timeout_ms)
{
    const uint64_t wait = (uint64_t)timeout_ms * US_PER_MS;
    const uint64_t start = now_us();
    bool is_there, is_late;
    do {
        __asm__ volatile("cpsid i" ::: "memory");
        is_there = ring_written != ring_read;
        is_late = timeout_ms != EK_FOREVER && now_us() - start >= wait;
        if (!is_there && !is_late) {
            if (timeout_ms != EK_FOREVER) {
                TIMER_ALARM = TIMER_LOW_NOW + US_PER_MS;
            }
            __asm__ volatile("dsb\n\twfi" ::: "memory");
            TIMER_ARMED = TIMER_ALARM_0;
        }
        __asm__ volatile("cpsie i" ::: "memory");
    } while (!is_there && !is_late);
    return is_there;
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    int32_t count = 0;
    while ((size_t)count < size && ring_written != ring_read) {
        bytes[count++] = ring[ring_read % RING_BYTES];
        ring_read++;
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

/* The timer's microsecond is known within one, so within 125 ticks; SysTick's 24 bits are exact.
 * The answer is the number nearest to the first that ends in the second. It takes the same number
 * of cycles every time, as it has no branch. */
uint64_t ek_port_ticks(void)
{
    const uint32_t fine = now_systick() - systick_start;
    const uint64_t coarse = now_us() * TICKS_PER_US;
    const uint64_t upper = coarse + (SYSTICK_MASK + 1u) / 2u;
    return upper - (((uint32_t)upper - fine) & SYSTICK_MASK);
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
    ek_restart(RESET_NOTE_SOFTWARE);
}

ek_reset_cause ek_port_reset_cause(void)
{
    return reset_cause;
}
