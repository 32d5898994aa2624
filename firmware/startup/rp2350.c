/* rp2350.c: what makes an image of an RP2350, and its flash memory, clocks, UART and restart,
 * whichever of its two kinds of core runs it.
 *
 * Names are those of the RP2350 datasheet: 5.9 "Metadata block details", 8.1 "Clocks", 8.2 "XOSC",
 * 8.6 "PLL", 7.5 "Subsystem resets", 9 "GPIO", 12.1 "UART", 12.9 "Watchdog", 12.14 "QMI"; the
 * numbers were checked with Raspberry Pi's SDK, src/rp2350/hardware_regs, of July 2025. No emulator
 * models this chip: what only silicon can show is in docs/pico2.md. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD(address)  (*(volatile uint32_t *)(uintptr_t)(address))
#define SET(address)   WORD((address) + 0x2000u) /* every register has these two beside it */
#define CLEAR(address) WORD((address) + 0x3000u)

#define RESETS_RESET      0x40020000u
#define RESETS_RESET_DONE WORD(0x40020008u)
#define RESET_IO_BANK0    (1u << 6)
#define RESET_PADS_BANK0  (1u << 9)
#define RESET_PLL_SYS     (1u << 14)
#define RESET_UART0       (1u << 26)

#define XOSC_CONTROL       WORD(0x40048000u)
#define XOSC_CONTROL_ON    (0xFABu << 12 | 0xAA0u) /* enabled; 1 to 15 MHz */
#define XOSC_STATUS        WORD(0x40048004u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP       WORD(0x4004800Cu)
#define XOSC_STARTUP_DELAY (6u * 47u) /* of 256 periods: 6 ms, for crystals slow to start */

#define CLK_REF_CONTROL     0x40010030u
#define CLK_REF_DIVIDER     WORD(0x40010034u)
#define CLK_REF_SELECTED    WORD(0x40010038u)
#define CLK_REF_SOURCE_MASK 3u
#define CLK_REF_SOURCE_XOSC 2u
#define CLK_SYS_CONTROL     0x4001003Cu
#define CLK_SYS_DIVIDER     WORD(0x40010040u)
#define CLK_SYS_SELECTED    WORD(0x40010044u)
#define CLK_SYS_SOURCE_AUX  1u /* whose source is the PLL of the system: 0 << 5 */
#define CLK_PERI_CONTROL    0x40010048u
#define CLK_PERI_DIVIDER    WORD(0x4001004Cu)
#define CLK_PERI_ENABLE     (1u << 11) /* from the system's clock: 0 << 5 */
#define CLK_RESUS_CONTROL   WORD(0x40010084u)
#define CLK_BY_1            (1u << 16)

#define PLL_STATUS          WORD(0x40050000u)
#define PLL_STATUS_LOCK     (1u << 31)
#define PLL_REFERENCE_BY_1  1u
#define PLL_POWER           0x40050004u
#define PLL_POWER_DOWN      (1u << 5 | 1u)
#define PLL_POWER_DOWN_POST (1u << 3)
#define PLL_FEEDBACK        WORD(0x40050008u)
#define PLL_POST_DIVIDERS   WORD(0x4005000Cu)
#define XOSC_HZ             12000000u
#define VCO_PERIODS         125u /* of the crystal's: 1500 MHz */
#define POST_DIVIDER_1      5u
#define POST_DIVIDER_2      2u

#if EK_CLOCK_HZ != 150000000
#error "the PLL's dividers below are for a system clock of 150 MHz"
#endif

#define GPIO_CONTROL(pin)  WORD(0x40028004u + 8u * (pin))
#define GPIO_FUNCTION_UART 2u
#define PAD(pin)           WORD(0x40038004u + 4u * (pin))
#define PAD_OUTPUT         (1u << 4 | 1u << 1)           /* 4 mA; not isolated */
#define PAD_INPUT          (1u << 6 | 1u << 3 | 1u << 1) /* pulled up: not pressed, no break */
#define UART_TX_PIN        0u
#define UART_RX_PIN        1u

#define UART_DATA          WORD(0x40070000u)
#define UART_FLAGS         WORD(0x40070018u)
#define UART_FLAGS_BUSY    (1u << 3)
#define UART_FLAGS_TX_FULL (1u << 5)
#define UART_DIVIDER       WORD(0x40070024u)
#define UART_DIVIDER_64THS WORD(0x40070028u)
#define UART_LINE          WORD(0x4007002Cu)
#define UART_LINE_8N1_FIFO (3u << 5 | 1u << 4)
#define UART_CONTROL       WORD(0x40070030u)
#define UART_CONTROL_ON    (1u << 9 | 1u << 8 | 1u) /* receives, sends */
#define UART_BAUD          115200u
#define UART_BAUD_64THS    ((EK_CLOCK_HZ * 8u / UART_BAUD + 1u) / 2u) /* of a period of 16 */

#define QMI_DIRECT          WORD(0x400D0000u)
#define QMI_DIRECT_BUSY     (1u << 1)
#define QMI_DIRECT_ON       (30u << 22 | 1u << 6 | 1u) /* clock by 30; selects the chip itself */
#define QMI_DIRECT_OFF      (30u << 22)
#define QMI_DIRECT_SEND     WORD(0x400D0004u)
#define QMI_DIRECT_RECEIVED WORD(0x400D0008u)
#define QMI_READ_TIMING     WORD(0x400D000Cu)
#define QMI_READ_TIMING_OF(clock_divider)                                                          \
    (1u << 30 | 2u << 8 | (clock_divider)) /* stays selected for 64 clocks; samples 1 clock late   \
                                            */
#define QMI_READ_FORMAT WORD(0x400D0010u)
#define QMI_READ_FORMAT_QUAD                                                                       \
    (4u << 16 | 2u << 14 | 2u << 8 | 2u << 6 | 2u << 4 | 2u << 2) /* 16 dummy bits, mode, 4 wires  \
                                                                   */
#define QMI_READ_FORMAT_COMMAND (1u << 12)                        /* 8 bits in front, by one wire */
#define QMI_READ_COMMAND        WORD(0x400D0014u)
#define QMI_READ_COMMAND_QUAD   (0xA0u << 8 | 0xEBu) /* mode: the next read has no command */
#define FLASH_UNCACHED          WORD(0x14000000u)
#define FLASH_READ_STATUS_2     0x35u
#define FLASH_STATUS_2_QUAD     (1u << 1)

#define PSM_WATCHDOG_SELECT     WORD(0x40018008u)
#define PSM_ALL_BUT_OSCILLATORS 0x01FFFFF3u
#define WATCHDOG_CONTROL        0x400D8000u
#define WATCHDOG_TRIGGER        (1u << 31)
#define WATCHDOG_SCRATCH0       WORD(0x400D800Cu) /* survives every reset but loss of power */

#define IMAGE_DEF_START       0xFFFFDED3u
#define IMAGE_DEF_END         0xAB123579u
#define ITEM_IMAGE_TYPE       (1u << 8 | 0x42u)
#define ITEM_VECTOR_TABLE     (2u << 8 | 0x03u)
#define ITEM_ENTRY_POINT      (3u << 8 | 0x44u)
#define ITEM_LAST(words)      ((words) << 8 | 0xFFu)
#define IMAGE_TYPE_ARM_SECURE (1u << 12 | 0u << 8 | 2u << 4 | 1u) /* RP2350, executable */
#define IMAGE_TYPE_RISCV      (1u << 12 | 1u << 8 | 1u)

/* From the linker script, and the code of the core. */
extern uint32_t ek_stack_top[];
void ek_reset(void);
extern const uint32_t ek_vectors[];

void ek_chip_init(void);
void ek_chip_say(const char *text);
__attribute__((noreturn)) void ek_restart(uint32_t note);

/* What the boot ROM looks for in the first 4 KiB of flash memory: a block of items that says what
 * image this is and where it begins, and is its own successor in the loop of blocks. */
__attribute__((section(".image_def"), used)) static const struct {
    uint32_t start;
    uint32_t image_type;
    uint32_t where;
#if defined(__riscv)
    void (*entry)(void);
    uint32_t *stack_top;
#else
    const uint32_t *vectors;
#endif
    uint32_t last;
    uint32_t next_block_offset;
    uint32_t end;
} image_def = {
    .start = IMAGE_DEF_START,
#if defined(__riscv)
    .image_type = IMAGE_TYPE_RISCV << 16 | ITEM_IMAGE_TYPE,
    .where = ITEM_ENTRY_POINT,
    .entry = ek_reset,
    .stack_top = ek_stack_top,
    .last = ITEM_LAST(4u),
#else
    .image_type = IMAGE_TYPE_ARM_SECURE << 16 | ITEM_IMAGE_TYPE,
    .where = ITEM_VECTOR_TABLE,
    .vectors = ek_vectors,
    .last = ITEM_LAST(3u),
#endif
    .next_block_offset = 0,
    .end = IMAGE_DEF_END,
};

static void leave_reset(uint32_t blocks)
{
    SET(RESETS_RESET) = blocks;
    CLEAR(RESETS_RESET) = blocks;
    while ((RESETS_RESET_DONE & blocks) != blocks) {
    }
}

/* The boot ROM has found some way to read the flash memory that works with any chip. Where the chip
 * lets all four wires be used for data, they are: 75 MHz, no command in front of an address. Where
 * it does not (a bit that is set in the factory, and that is not written here since it lasts), the
 * ROM's way stays, slowed down to what every chip allows at the clock that is to come.
 *
 * In RAM, since flash memory cannot be read meanwhile; calls nothing. */
__attribute__((section(".ramcode.set_up_flash"), noinline)) static void set_up_flash(void)
{
    QMI_DIRECT = QMI_DIRECT_ON;
    while ((QMI_DIRECT & QMI_DIRECT_BUSY) != 0) { /* until the last read has cooled down */
    }
    QMI_DIRECT_SEND = FLASH_READ_STATUS_2;
    QMI_DIRECT_SEND = 0;
    while ((QMI_DIRECT & QMI_DIRECT_BUSY) != 0) {
    }
    (void)QMI_DIRECT_RECEIVED; /* while the command was sent */
    const bool has_quad = (QMI_DIRECT_RECEIVED & FLASH_STATUS_2_QUAD) != 0;
    QMI_DIRECT = QMI_DIRECT_OFF;
    if (!has_quad) {
        QMI_READ_TIMING = QMI_READ_TIMING_OF(4u);
        (void)FLASH_UNCACHED; /* the divider must be in use before the clock changes */
        return;
    }
    QMI_READ_TIMING = QMI_READ_TIMING_OF(2u);
    QMI_READ_COMMAND = QMI_READ_COMMAND_QUAD;
    QMI_READ_FORMAT = QMI_READ_FORMAT_QUAD | QMI_READ_FORMAT_COMMAND;
    (void)FLASH_UNCACHED; /* the one read with a command, whose mode does without from now on */
    QMI_READ_FORMAT = QMI_READ_FORMAT_QUAD;
}

static void set_clocks(void)
{
    CLK_RESUS_CONTROL = 0;
    XOSC_STARTUP = XOSC_STARTUP_DELAY;
    XOSC_CONTROL = XOSC_CONTROL_ON;
    while ((XOSC_STATUS & XOSC_STATUS_STABLE) == 0) {
    }
    CLEAR(CLK_SYS_CONTROL) = CLK_SYS_SOURCE_AUX; /* away from the PLL, if it is there */
    while (CLK_SYS_SELECTED != 1u) {
    }
    CLEAR(CLK_REF_CONTROL) = CLK_REF_SOURCE_MASK;
    while (CLK_REF_SELECTED != 1u) {
    }
    CLK_REF_DIVIDER = CLK_BY_1;
    SET(CLK_REF_CONTROL) = CLK_REF_SOURCE_XOSC;
    while (CLK_REF_SELECTED != 1u << CLK_REF_SOURCE_XOSC) {
    }

    leave_reset(RESET_PLL_SYS);
    PLL_STATUS = PLL_REFERENCE_BY_1;
    PLL_FEEDBACK = VCO_PERIODS;
    CLEAR(PLL_POWER) = PLL_POWER_DOWN;
    while ((PLL_STATUS & PLL_STATUS_LOCK) == 0) {
    }
    PLL_POST_DIVIDERS = POST_DIVIDER_1 << 16 | POST_DIVIDER_2 << 12;
    CLEAR(PLL_POWER) = PLL_POWER_DOWN_POST;

    CLK_SYS_DIVIDER = CLK_BY_1;
    WORD(CLK_SYS_CONTROL) = 0; /* which PLL, before it is switched to */
    SET(CLK_SYS_CONTROL) = CLK_SYS_SOURCE_AUX;
    while (CLK_SYS_SELECTED != 1u << CLK_SYS_SOURCE_AUX) {
    }
    CLK_PERI_DIVIDER = CLK_BY_1;
    WORD(CLK_PERI_CONTROL) = CLK_PERI_ENABLE;
}

static void start_uart(void)
{
    leave_reset(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_UART0);
    GPIO_CONTROL(UART_TX_PIN) = GPIO_FUNCTION_UART;
    GPIO_CONTROL(UART_RX_PIN) = GPIO_FUNCTION_UART;
    PAD(UART_TX_PIN) = PAD_OUTPUT;
    PAD(UART_RX_PIN) = PAD_INPUT;
    UART_DIVIDER = UART_BAUD_64THS / 64u;
    UART_DIVIDER_64THS = UART_BAUD_64THS % 64u;
    UART_LINE = UART_LINE_8N1_FIFO; /* takes the dividers over */
    UART_CONTROL = UART_CONTROL_ON;
}

/* Called with memory in place, before main. */
void ek_chip_init(void)
{
    set_up_flash();
    set_clocks();
    start_uart();
}

/* Last words go to the link's UART. */
void ek_chip_say(const char *text)
{
    while (*text != '\0') {
        while ((UART_FLAGS & UART_FLAGS_TX_FULL) != 0) {
        }
        UART_DATA = (uint8_t)*text++;
    }
}

/* Start again from the boot ROM, once everything said is out. `note` tells the next start why. */
__attribute__((noreturn)) void ek_restart(uint32_t note)
{
    while ((UART_FLAGS & UART_FLAGS_BUSY) != 0) {
    }
    WATCHDOG_SCRATCH0 = note;
    PSM_WATCHDOG_SELECT = PSM_ALL_BUT_OSCILLATORS;
    SET(WATCHDOG_CONTROL) = WATCHDOG_TRIGGER;
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}
