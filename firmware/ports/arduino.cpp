/* arduino.cpp: any Arduino core; the link is its serial port.
 *
 * EK_LINK_SERIAL names the port: Serial is UART0, or on an ESP32 with ARDUINO_USB_CDC_ON_BOOT=1 its
 * USB; on an RP2040 or RP2350 Serial is USB, and Serial1, with EK_LINK_UART=1, is UART0. Call
 * ek_server_run from setup(). */
#include <Arduino.h>

#include "edgekit/ek_port.h"

#ifdef ARDUINO_ARCH_ESP32
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#endif

#ifndef EK_LINK_SERIAL
#define EK_LINK_SERIAL Serial
#endif

#ifndef EK_LINK_UART
#define EK_LINK_UART 0
#endif

#ifndef EK_LINK_BAUD
#define EK_LINK_BAUD 115200
#endif

#define RX_BUFFER_BYTES   4096
#define TICKS_HZ          1000000UL
#define TICKS_PER_MS      (TICKS_HZ / 1000UL)
#define WRITE_PATIENCE    100 /* attempts, one in a millisecond, that may find no room at all */
#define YIELD_TICKS       (TICKS_HZ / 2UL)
#define PATIENCE_TICKS    (TICKS_HZ * 2UL) /* below the 5 s of the task watchdog */
#define STACK_GUARD_BYTES 64               /* FreeRTOS keeps a pattern there, or watches it */

static uint64_t ticks;      /* as far as they have been read */
static uint64_t last_yield; /* when other tasks last had the CPU, in ticks */

extern "C" {

ek_status ek_port_init(void)
{
#ifdef ARDUINO_ARCH_ESP32
    EK_LINK_SERIAL.setRxBufferSize(RX_BUFFER_BYTES);
#elif defined(ARDUINO_ARCH_RP2040) && EK_LINK_UART
    EK_LINK_SERIAL.setFIFOSize(RX_BUFFER_BYTES);
#endif
    EK_LINK_SERIAL.begin(EK_LINK_BAUD);
    return EK_OK;
}

/* delay() lets other tasks run, where there are any. */
int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    const uint64_t start = ek_port_ticks();
    while (EK_LINK_SERIAL.available() <= 0) {
        const uint64_t waited = ek_port_ticks() - start;
        if (timeout_ms != EK_FOREVER && waited >= (uint64_t)timeout_ms * TICKS_PER_MS) {
            return EK_ERR_TIMEOUT;
        }
        delay(1);
    }
    size_t count = 0;
    while (count < size && EK_LINK_SERIAL.available() > 0) {
        bytes[count++] = (uint8_t)EK_LINK_SERIAL.read();
    }
    return (int32_t)count;
}

/* Where nobody listens, such as on a USB port without a host, the bytes are dropped. */
ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    for (int patience = WRITE_PATIENCE; size > 0 && patience > 0;) {
        const size_t written = EK_LINK_SERIAL.write(bytes, size);
        bytes += written;
        size -= written;
        if (written > 0) {
            patience = WRITE_PATIENCE;
        } else {
            patience--;
            delay(1);
        }
    }
    return EK_OK;
}

/* micros() wraps after 71 minutes; a board that waits for a request reads it every millisecond. */
uint64_t ek_port_ticks(void)
{
    ticks += (uint32_t)micros() - (uint32_t)ticks;
    return ticks;
}

uint32_t ek_port_ticks_hz(void)
{
    return TICKS_HZ;
}

#ifdef ARDUINO_ARCH_ESP32

uint8_t *ek_port_stack_limit(void)
{
    return (uint8_t *)pxTaskGetStackStart(NULL) + STACK_GUARD_BYTES;
}

ek_status ek_port_reboot(void)
{
    esp_restart();
    return EK_ERR_UNSUPPORTED; /* not reached */
}

ek_reset_cause ek_port_reset_cause(void)
{
    switch (esp_reset_reason()) {
    case ESP_RST_POWERON:
    case ESP_RST_EXT:
    case ESP_RST_USB:
    case ESP_RST_JTAG:
        return EK_RESET_POWER_ON;
    case ESP_RST_SW:
        return EK_RESET_SOFTWARE;
    case ESP_RST_PANIC:
    case ESP_RST_CPU_LOCKUP:
        return EK_RESET_FAULT;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
        return EK_RESET_WATCHDOG;
    case ESP_RST_BROWNOUT:
    case ESP_RST_PWR_GLITCH:
        return EK_RESET_BROWN_OUT;
    default:
        return EK_RESET_UNKNOWN;
    }
}

#elif defined(ARDUINO_ARCH_RP2040)

/* The core says how much of the stack is left below here. */
uint8_t *ek_port_stack_limit(void)
{
    const intptr_t here = (intptr_t)rp2040.getStackPointer();
    return (uint8_t *)(here - rp2040.getFreeStack());
}

ek_status ek_port_reboot(void)
{
    rp2040.reboot();
    return EK_ERR_UNSUPPORTED; /* not reached */
}

ek_reset_cause ek_port_reset_cause(void)
{
    switch (rp2040.getResetReason()) {
    case RP2040::PWRON_RESET:
    case RP2040::RUN_PIN_RESET:
    case RP2040::DEBUG_RESET:
        return EK_RESET_POWER_ON;
    case RP2040::SOFT_RESET:
        return EK_RESET_SOFTWARE;
    case RP2040::WDT_RESET:
        return EK_RESET_WATCHDOG;
    case RP2040::GLITCH_RESET:
    case RP2040::BROWNOUT_RESET:
        return EK_RESET_BROWN_OUT;
    default:
        return EK_RESET_UNKNOWN;
    }
}

#endif

/* delay() gives the idle task the tick in which it feeds its watchdog. */
void ek_port_yield(void)
{
    if (ek_port_ticks() - last_yield >= YIELD_TICKS) {
        delay(1);
        last_yield = ek_port_ticks();
    }
}

uint64_t ek_port_patience(void)
{
    return PATIENCE_TICKS;
}

} /* extern "C" */
