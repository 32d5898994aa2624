/* espidf.c: ESP-IDF 5, on ESP32, ESP32-S3, ESP32-C3, ESP32-C6.
 *
 * The link is UART0, or with EK_LINK_USB=1 the chip's USB-Serial-JTAG (which ESP32 has not). The
 * task that starts the server must be pinned to one core: each core counts its own cycles. */
#include <stdbool.h>

#include "driver/uart.h"
#include "esp_cpu.h"
#include "esp_rom_sys.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "soc/soc_caps.h"
#include "soc/uart_pins.h"

#include "edgekit/ek_port.h"

#ifndef EK_LINK_USB
#define EK_LINK_USB 0
#endif

#ifndef EK_LINK_BAUD
#define EK_LINK_BAUD 115200
#endif

#if EK_LINK_USB
#if !SOC_USB_SERIAL_JTAG_SUPPORTED
#error "this chip has no USB-Serial-JTAG: leave EK_LINK_USB out"
#endif
#include "driver/usb_serial_jtag.h"
#endif

#define LINK_UART         UART_NUM_0
#define RX_BUFFER_BYTES   4096
#define TX_BUFFER_BYTES   4096
#define USB_WRITE_BYTES   256u /* at a time: the driver takes all of them or none */
#define USB_WRITE_WAIT_MS 100u

/* FreeRTOS keeps a pattern in the last 16 bytes of a stack, or watches up to 63 of them. */
#define STACK_GUARD_BYTES 64

/* Once in so long the idle task gets a tick, which feeds its watchdog. */
#define YIELD_US    500000
#define PATIENCE_US 2000000u

static uint32_t cycles_per_us;
static uint32_t start_cycles;
static int64_t start_us;
static int64_t last_rest_us; /* when other tasks last had the CPU */

static TickType_t to_ticks(uint32_t timeout_ms)
{
    if (timeout_ms == EK_FOREVER) {
        return portMAX_DELAY;
    }
    const uint64_t ticks = ((uint64_t)timeout_ms * configTICK_RATE_HZ + 999u) / 1000u;
    return ticks < portMAX_DELAY ? (TickType_t)ticks : portMAX_DELAY - 1u;
}

#if EK_LINK_USB

static ek_status open_link(void)
{
    usb_serial_jtag_driver_config_t config = {
        .tx_buffer_size = TX_BUFFER_BYTES,
        .rx_buffer_size = RX_BUFFER_BYTES,
    };
    return usb_serial_jtag_driver_install(&config) == ESP_OK ? EK_OK : EK_ERR_PORT;
}

static int read_link(uint8_t *bytes, size_t size, TickType_t wait)
{
    return usb_serial_jtag_read_bytes(bytes, (uint32_t)size, wait); /* what has arrived */
}

/* Without a host on the cable the bytes are dropped, as a UART drops them. */
static ek_status write_link(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const size_t some = size < USB_WRITE_BYTES ? size : USB_WRITE_BYTES;
        const int written = usb_serial_jtag_write_bytes(bytes, some, to_ticks(USB_WRITE_WAIT_MS));
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (!usb_serial_jtag_is_connected()) {
            return EK_OK;
        }
    }
    return EK_OK;
}

#else

static ek_status open_link(void)
{
    const uart_config_t config = {
        .baud_rate = EK_LINK_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    if (uart_driver_install(LINK_UART, RX_BUFFER_BYTES, TX_BUFFER_BYTES, 0, NULL, 0) != ESP_OK ||
        uart_param_config(LINK_UART, &config) != ESP_OK ||
        uart_set_pin(LINK_UART, U0TXD_GPIO_NUM, U0RXD_GPIO_NUM, UART_PIN_NO_CHANGE,
                     UART_PIN_NO_CHANGE) != ESP_OK) {
        return EK_ERR_PORT;
    }
    return EK_OK;
}

/* The driver waits until all that was asked for has come: ask for one byte, then for the rest. */
static int read_link(uint8_t *bytes, size_t size, TickType_t wait)
{
    const int first = uart_read_bytes(LINK_UART, bytes, 1, wait);
    size_t more = 0;
    if (first != 1 || size == 1 || uart_get_buffered_data_len(LINK_UART, &more) != ESP_OK) {
        return first;
    }
    more = more < size - 1 ? more : size - 1;
    const int rest = more > 0 ? uart_read_bytes(LINK_UART, bytes + 1, (uint32_t)more, 0) : 0;
    return rest > 0 ? rest + 1 : 1;
}

static ek_status write_link(const uint8_t *bytes, size_t size)
{
    return uart_write_bytes(LINK_UART, bytes, size) == (int)size ? EK_OK : EK_ERR_PORT;
}

#endif

ek_status ek_port_init(void)
{
    cycles_per_us = esp_rom_get_cpu_ticks_per_us();
    start_us = esp_timer_get_time();
    start_cycles = esp_cpu_get_cycle_count();
    last_rest_us = start_us;
    return open_link();
}

int32_t ek_port_read(uint8_t *bytes, size_t size, uint32_t timeout_ms)
{
    const int count = read_link(bytes, size, to_ticks(timeout_ms));
    if (count < 0) {
        return EK_ERR_PORT;
    }
    return count > 0 ? count : EK_ERR_TIMEOUT;
}

ek_status ek_port_write(const uint8_t *bytes, size_t size)
{
    return size > 0 ? write_link(bytes, size) : EK_OK;
}

/* Cycles since ek_port_init. The counter has 32 bits and wraps within 18 s at 240 MHz; the time of
 * the 64-bit esp_timer says how often it has: the result is the number nearest to that time whose
 * low half is the counter's. */
uint64_t ek_port_ticks(void)
{
    const uint32_t cycles = esp_cpu_get_cycle_count() - start_cycles;
    const uint64_t near = (uint64_t)(esp_timer_get_time() - start_us) * cycles_per_us;
    const int32_t off = (int32_t)(cycles - (uint32_t)near);
    return near + (uint64_t)(int64_t)off;
}

uint32_t ek_port_ticks_hz(void)
{
    return cycles_per_us * 1000000u;
}

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

/* A tick is long beside a small model: give one away only when it is due. */
void ek_port_yield(void)
{
    if (esp_timer_get_time() - last_rest_us >= YIELD_US) {
        vTaskDelay(1);
        last_rest_us = esp_timer_get_time();
    }
}

uint64_t ek_port_patience(void)
{
    return (uint64_t)cycles_per_us * PATIENCE_US;
}
