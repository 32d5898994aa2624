/* cortex_m_faults.h: memory, stack guard and fault reports of start-up code for Cortex-M.
 *
 * Include it once, after the definitions of what fault_text.h asks for, and of
 *   static void leave_after_fault(void)   does not return */
#ifndef EDGEKIT_CORTEX_M_FAULTS_H
#define EDGEKIT_CORTEX_M_FAULTS_H

#include <stdbool.h>

#include "fault_text.h"

#define FAULT_STATUS             (*(volatile uint32_t *)0xE000ED28u)
#define FAULT_STATUS_STACK_LIMIT (1u << 20) /* Armv8-M only */
#define FAULT_STATUS_MMFAR_VALID (1u << 7)
#define FAULT_STATUS_BFAR_VALID  (1u << 15)
#define FAULT_ADDRESS_MEMORY     (*(volatile uint32_t *)0xE000ED34u)
#define FAULT_ADDRESS_BUS        (*(volatile uint32_t *)0xE000ED38u)
#define FRAME_WORDS              8 /* r0-r3, r12, lr, pc, psr */
#define FRAME_WORDS_FLOAT        26
#define FRAME_LR                 5
#define FRAME_PC                 6
#define FRAME_PSR                7
#define PSR_ALIGNED              (1u << 9) /* a word lies between frame and stack */
#define RETURN_NO_FLOAT          (1u << 4)
#define FAULT_STACK_WORDS        128

#define MPU_TYPE                (*(volatile uint32_t *)0xE000ED90u)
#define MPU_CONTROL             (*(volatile uint32_t *)0xE000ED94u)
#define MPU_REGION              (*(volatile uint32_t *)0xE000ED98u)
#define MPU_ADDRESS             (*(volatile uint32_t *)0xE000ED9Cu)
#define MPU_ATTRIBUTES          (*(volatile uint32_t *)0xE000EDA0u)
#define MPU_TYPE_REGIONS        (0xFFu << 8)
#define MPU_ON_WITH_DEFAULT_MAP 5u
#define MPU_NO_ACCESS_1_KIB     (1u << 28 | 9u << 1 | 1u) /* 2^(9+1) bytes, enabled */

/* From the linker script. */
extern uint32_t ek_data_load[], ek_data_start[], ek_data_end[], ek_bss_start[], ek_bss_end[];
extern uint32_t ek_stack_guard[];

void ek_fault(void);
void ek_fault_report(const uint32_t *frame, uint32_t exception_return);

/* Its report has a stack of its own: what is on the other one is to be said. */
extern uint32_t ek_fault_stack[];
__attribute__((used)) uint32_t ek_fault_stack[FAULT_STACK_WORDS];

/* Armv6-M knows no more than that there was a fault: its registers read as zero. */
static void say_fault_status(void)
{
    const uint32_t status = FAULT_STATUS;
    if ((status & (FAULT_STATUS_MMFAR_VALID | FAULT_STATUS_BFAR_VALID)) != 0) {
        const bool is_bus = (status & FAULT_STATUS_BFAR_VALID) != 0;
        say(", address 0x");
        say_hex(is_bus ? FAULT_ADDRESS_BUS : FAULT_ADDRESS_MEMORY);
    }
    say(", fault status 0x");
    say_hex(status);
}

/* Where the stack pointer was before the exception pushed `frame`. */
static const uint32_t *stack_before(const uint32_t *frame, uint32_t exception_return)
{
    const uint32_t *const end =
        frame + ((exception_return & RETURN_NO_FLOAT) != 0 ? FRAME_WORDS : FRAME_WORDS_FLOAT);
    return (frame[FRAME_PSR] & PSR_ALIGNED) != 0 ? end + 1 : end;
}

/* `frame`: r0-r3, r12, lr, pc, psr, if the exception could still push them. */
void ek_fault_report(const uint32_t *frame, uint32_t exception_return)
{
    const uint32_t *stack = NULL;
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    say("edgekit: fault, exception 0x");
    say_hex(exception);
    const bool is_frame_whole = frame >= ek_stack_limit && frame + FRAME_WORDS <= ek_stack_top;
    if (!is_frame_whole || (FAULT_STATUS & FAULT_STATUS_STACK_LIMIT) != 0) {
        say(", stack overflow");
    } else {
        stack = stack_before(frame, exception_return);
        say(" at pc 0x");
        say_hex(frame[FRAME_PC]);
        say(", lr 0x");
        say_hex(frame[FRAME_LR]);
        say(", sp 0x");
        say_hex((uint32_t)(uintptr_t)stack);
    }
    say_fault_status();
    say_version();
    say(LINE_END);
    if (stack == NULL) {
        say_overflowed_stack();
    } else {
        say_stack(stack, STACK_DUMP_LINES);
    }
    leave_after_fault();
}

/* Nothing returns from a fault. */
__attribute__((naked)) void ek_fault(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "mov r1, lr\n\t"
                     "ldr r2, =ek_fault_stack + 512\n\t"
#if __ARM_ARCH >= 8
                     "movs r3, #0\n\t"
                     "msr msplim, r3\n\t"
#endif
                     "mov sp, r2\n\t"
                     "bl ek_fault_report\n\t"
                     ".ltorg");
}

/* Written so that the compiler cannot turn the loops into calls of memcpy and memset, which the C
 * library may have compiled for a floating-point unit that is still off. */
__attribute__((noinline, optimize("no-tree-loop-distribute-patterns"))) static void set_memory(void)
{
    const uint32_t *from = ek_data_load;
    for (uint32_t *to = ek_data_start; to < ek_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = ek_bss_start; to < ek_bss_end; to++) {
        *to = 0;
    }
}

/* Armv8-M checks the stack pointer itself; before it, the MPU keeps the guard below the stack. */
static void guard_stack(void)
{
#if __ARM_ARCH >= 8
    __asm__ volatile("msr msplim, %0" ::"r"(ek_stack_limit));
#else
    if ((MPU_TYPE & MPU_TYPE_REGIONS) != 0) {
        MPU_REGION = 0;
        MPU_ADDRESS = (uint32_t)(uintptr_t)ek_stack_guard;
        MPU_ATTRIBUTES = MPU_NO_ACCESS_1_KIB;
        MPU_CONTROL = MPU_ON_WITH_DEFAULT_MAP;
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
#endif
}

#endif
