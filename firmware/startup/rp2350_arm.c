/* rp2350_arm.c: the Cortex-M33 cores of an RP2350: vector table, reset, faults.
 *
 * Everything is Secure: the boot ROM enters an image of this kind in Secure state and nothing here
 * leaves it, so there is no other world whose faults, stacks or memory would have to be kept apart.
 * Core 1 stays asleep in the boot ROM. */
#if defined(__arm__)

#include "rp2350_say.h"

#define INTERRUPTS 52
#define CODE_START ((uint32_t)(uintptr_t)(&ek_vectors + 1))
#define CODE_END   ((uint32_t)(uintptr_t)ek_data_load)

#define COPROCESSOR_ACCESS     (*(volatile uint32_t *)0xE000ED88u)
#define COPROCESSOR_10_11_FULL (0xFu << 20) /* the floating-point unit */

typedef void (*ek_vector)(void);

typedef struct {
    uint32_t *stack_top;
    ek_vector handlers[15 + INTERRUPTS];
} ek_vector_table;

/* At the start of the flash memory; the image's definition and code follow. */
extern const ek_vector_table ek_vectors;

/* From the linker script. */
extern uint32_t ek_data_load[], ek_stack_top[];

int main(void);
void ek_reset(void);

#include "cortex_m_faults.h"

void ek_reset(void)
{
    guard_stack();
    COPROCESSOR_ACCESS |= COPROCESSOR_10_11_FULL;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    set_memory();
    ek_chip_init();
    ek_exit(main());
}

__attribute__((section(".vectors"), used)) const ek_vector_table ek_vectors = {
    .stack_top = ek_stack_top,
    .handlers = {[0] = ek_reset, [1 ... 14 + INTERRUPTS] = ek_fault}, /* none is ever let in */
};

#else
typedef int ek_no_arm; /* C wants a declaration in every file */
#endif
