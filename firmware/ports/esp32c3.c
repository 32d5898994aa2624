/* esp32c3.c: an ESP32-C3 without a framework; startup/esp32c3.* has set its clock and watchdogs.
 *
 * The link is UART0 (GPIO20 and GPIO21, 115200 baud, 8N1) and the chip's own USB-Serial-JTAG, both
 * at once: what is read comes from either, and answers go where the host last spoke. A tick is one
 * of the system timer's, 1/16 us: it counts in 52 bits from the crystal, whatever the CPU's clock
 * is, also while the CPU sleeps. The CPU's own counter (CSR 0x7E2) is ten times finer, but has 32
 * bits: 27 s. */
#include <stdbool.h>

#include "edgekit/ek_port.h"

#define WORD(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define TIMER_CONFIG        WORD(0x60023000u)
#define TIMER_CONFIG_RUN    (1u << 31 | 1u << 30 | 1u << 24) /* registers, counter 0, alarm 0 */
#define TIMER_TAKE          WORD(0x60023004u)
#define TIMER_TAKE_NOW      (1u << 30)
#define TIMER_TAKE_DONE     (1u << 29)
#define TIMER_ALARM         WORD(0x60023034u)
#define TIMER_ALARM_REPEATS (1u << 30)
#define TIMER_VALUE_HIGH    WORD(0x60023040u)
#define TIMER_VALUE_LOW     WORD(0x60023044u)
#define TIMER_ALARM_APPLY   WORD(0x60023050u)
#define TIMER_WAKES         WORD(0x60023064u)
#define TIMER_WAKES_CLEAR   WORD(0x6002306Cu)
#define TICKS_HZ            16000000u
#define TICKS_PER_MS        (TICKS_HZ / 1000u)

#define INTERRUPT_OF_SOURCE(source) WORD(0x600C2000u + 4u * (source))
#define INTERRUPT_PRIORITY(line)    WORD(0x600C2114u + 4u * (line))
#define INTERRUPT_THRESHOLD         WORD(0x600C2194u)
#define SOURCE_UART0                21u
#define SOURCE_USB                  26u
#define SOURCE_TIMER_ALARM_0        37u
#define LINE_LINK                   2u
#define LINE_ALARM                  3u

#define RESET_STATE         WORD(0x60008038u)
#define RESET_STATE_CAUSE   0x3Fu
#define RTC_STORE0          WORD(0x60008050u)
#define RESET_NOTE_SOFTWARE 0x5EB007EDu
#define RESET_NOTE_FAULT    0xFA017EDEu

/* From the linker script and the start-up code. */
extern uint8_t ek_stack_limit[];
void ek_sleep(uint32_t lines);
__attribute__((noreturn)) void ek_restart(uint32_t note);

#define UART_DATA            WORD(0x60000000u)
#define UART_WAKES           WORD(0x6000000Cu)
#define UART_WAKES_CLEAR     WORD(0x60000010u)
#define UART_WAKES_RECEIVE   1u
#define UART_DIVIDER         WORD(0x60000014u)
#define UART_DIVIDER_115200  (347u | 4u << 20) /* 347 4/16: the crystal's 40 MHz by 115200 */
#define UART_STATUS          WORD(0x6000001Cu)
#define UART_STATUS_RX_COUNT 0x3FFu
#define UART_STATUS_TX_COUNT (0x3FFu << 16)
#define UART_STATUS_TX_FULL  (128u << 16)
#define UART_FORMAT          WORD(0x60000020u)
#define UART_FORMAT_8N1      (1u << 28 | 1u << 4 | 3u << 2) /* its memory on, 1 stop bit, 8 bits */
#define UART_LEVELS          WORD(0x60000024u)
#define UART_LEVELS_RX_MASK  0x1FFu
#define UART_LEVELS_RX_FIRST 1u
#define UART_CLOCK           WORD(0x60000078u)
#define UART_CLOCK_CRYSTAL   (1u << 25 | 1u << 24 | 1u << 22 | 3u << 20)

#define USB_DATA          WORD(0x60043000u)
#define USB_STATE         WORD(0x60043004u)
#define USB_SEND          1u
#define USB_HAS_ROOM      2u
#define USB_HAS_DATA      4u
#define USB_WAKES         WORD(0x60043010u)
#define USB_WAKES_CLEAR   WORD(0x60043014u)
#define USB_WAKES_RECEIVE (1u << 2)
#define USB_PATIENCE_MS   1000u

static ek_reset_cause reset_cause = EK_RESET_UNKNOWN;
static bool is_host_on_usb; /* where its last byte came from */

/* As the ROM has left it, but from the crystal: bytes that still wait, either way, stay. */
static void start_uart(void)
{
    UART_CLOCK = UART_CLOCK_CRYSTAL;
    UART_DIVIDER = UART_DIVIDER_115200;
    UART_FORMAT = UART_FORMAT_8N1;
    UART_LEVELS = (UART_LEVELS & ~UART_LEVELS_RX_MASK) | UART_LEVELS_RX_FIRST;
    UART_WAKES = UART_WAKES_RECEIVE;
}

static bool has_uart_byte(void)
{
    return (UART_STATUS & UART_STATUS_RX_COUNT) != 0;
}

static bool has_usb_byte(void)
{
    return (USB_STATE & USB_HAS_DATA) != 0;
}

static void write_uart(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_STATUS & UART_STATUS_TX_COUNT) >= UART_STATUS_TX_FULL) {
        }
        UART_DATA = bytes[i];
    }
}

/* False once the host has taken nothing for a second: it is gone, and the other serial port must
 * not wait for it. What it was to read is lost, as on any line that was cut. */
static bool has_usb_room(void)
{
    const uint64_t start = ek_port_ticks();
    while ((USB_STATE & USB_HAS_ROOM) == 0) {
        if (ek_port_ticks() - start > USB_PATIENCE_MS * TICKS_PER_MS) {
            return false;
        }
    }
    return true;
}

/* A packet has up to 64 bytes; a shorter one, if need be of none, tells the host of the end. */
static void write_usb(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!has_usb_room()) {
            return;
        }
        USB_DATA = bytes[i];
    }
    if (has_usb_room()) {
        USB_STATE = USB_SEND;
    }
}

/* Which of the chip's causes it was (Technical Reference Manual: Reset and Clock), and, where
 * software asked for it, why. */
static ek_reset_cause cause_of_reset(void)
{
    switch (RESET_STATE & RESET_STATE_CAUSE) {
    case 0x01: /* power, or the pin CHIP_EN */
    case 0x15: /* the host, through USB */
    case 0x16: /* the debugger, through USB */
        return EK_RESET_POWER_ON;
    case 0x03: /* software: the chip */
    case 0x0C: /* software: the CPU */
        return RTC_STORE0 == RESET_NOTE_FAULT ? EK_RESET_FAULT : EK_RESET_SOFTWARE;
    case 0x07: /* timer groups 0 and 1, real-time clock, super watchdog */
    case 0x08:
    case 0x09:
    case 0x0B:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x12:
        return EK_RESET_WATCHDOG;
    case 0x0F: /* brown-out detector */
    case 0x17: /* glitch of the supply */
        return EK_RESET_BROWN_OUT;
    default:
        return EK_RESET_UNKNOWN;
    }
}

ek_status ek_port_init(void)
{
    reset_cause = cause_of_reset();
    RTC_STORE0 = 0;
    start_uart();
    USB_WAKES = USB_WAKES_RECEIVE;
    TIMER_ALARM = TIMER_ALARM_REPEATS | TICKS_PER_MS;
    TIMER_ALARM_APPLY = 1;
    TIMER_WAKES = 1;
    TIMER_CONFIG |= TIMER_CONFIG_RUN;
    INTERRUPT_OF_SOURCE(SOURCE_UART0) = LINE_LINK;
    INTERRUPT_OF_SOURCE(SOURCE_USB) = LINE_LINK;
    INTERRUPT_OF_SOURCE(SOURCE_TIMER_ALARM_0) = LINE_ALARM;
    INTERRUPT_PRIORITY(LINE_LINK) = 1;
    INTERRUPT_PRIORITY(LINE_ALARM) = 1;
    INTERRUPT_THRESHOLD = 1;
    return EK_OK;
}

/* The CPU sleeps until a serial port's interrupt, at most a millisecond: even if that did not come,
 * no byte would be lost. */
static bool is_byte_there_within(uint32_t timeout_ms)
{
    const uint64_t wait = (uint64_t)timeout_ms * TICKS_PER_MS;
    const uint64_t start = ek_port_ticks();
    for (;;) {
        UART_WAKES_CLEAR = UART_WAKES_RECEIVE; /* before the check: what comes after it wakes */
        USB_WAKES_CLEAR = USB_WAKES_RECEIVE;
        if (has_uart_byte() || has_usb_byte()) {
            return true;
        }
        if (timeout_ms != EK_FOREVER && ek_port_ticks() - start >= wait) {
            return false;
        }
        TIMER_WAKES_CLEAR = 1;
        ek_sleep(1u << LINE_LINK | 1u << LINE_ALARM);
    }
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    if (!is_byte_there_within(timeout_ms)) {
        return EK_ERR_TIMEOUT;
    }
    is_host_on_usb = !has_uart_byte();
    int32_t count = 0;
    while ((size_t)count < size && (is_host_on_usb ? has_usb_byte() : has_uart_byte())) {
        bytes[count++] = (uint8_t)(is_host_on_usb ? USB_DATA : UART_DATA);
    }
    return count;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    if (is_host_on_usb) {
        write_usb(bytes, size);
    } else {
        write_uart(bytes, size);
    }
    return EK_OK;
}

/* The timer hands both halves of one moment out together. */
uint64_t ek_port_ticks(void)
{
    TIMER_TAKE = TIMER_TAKE_NOW;
    while ((TIMER_TAKE & TIMER_TAKE_DONE) == 0) {
    }
    return (uint64_t)TIMER_VALUE_HIGH << 32 | TIMER_VALUE_LOW;
}

uint32_t ek_port_ticks_hz(void)
{
    return TICKS_HZ;
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
