/* avr_board.c: an ATmega2560 in simavr, with its UART0 on standard input and output. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <simavr/sim_irq.h>

#define CYCLES_PER_SLICE 20000 /* simulated between two looks at standard input */

static avr_irq_t *to_uart;
static int has_room = 1;

static void send(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    const uint8_t byte = (uint8_t)value;
    if (write(STDOUT_FILENO, &byte, 1) != 1) {
        exit(0);
    }
}

static void set_room(struct avr_irq_t *irq, uint32_t value, void *room)
{
    (void)irq;
    (void)value;
    has_room = room != NULL;
}

static avr_t *start(const char *path)
{
    elf_firmware_t firmware = {0};
    avr_t *avr = avr_make_mcu_by_name("atmega2560");
    if (avr == NULL || elf_read_firmware(path, &firmware) != 0) {
        return NULL;
    }
    avr_init(avr);
    firmware.frequency = 16000000;
    avr_load_firmware(avr, &firmware);
    return avr;
}

static void connect_uart(avr_t *avr)
{
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    to_uart = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), send,
                            NULL);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON),
                            set_room, avr);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF),
                            set_room, NULL);
}

/* False when standard input has ended. */
static int take_input(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (has_room && poll(&input, 1, 0) > 0) {
        uint8_t byte;
        if (read(STDIN_FILENO, &byte, 1) != 1) {
            return 0;
        }
        avr_raise_irq(to_uart, byte);
    }
    return 1;
}

int main(int count, char **arguments)
{
    avr_t *avr = count == 2 ? start(arguments[1]) : NULL;
    if (avr == NULL) {
        return 2;
    }
    connect_uart(avr);
    while (take_input()) {
        const avr_cycle_count_t end = avr->cycle + CYCLES_PER_SLICE;
        while (avr->cycle < end) {
            const int state = avr_run(avr);
            if (state == cpu_Done || state == cpu_Crashed) {
                return 3;
            }
        }
    }
    return 0;
}
