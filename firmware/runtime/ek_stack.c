/* ek_stack.c: paint the free stack, run, and look for the lowest byte that changed. */
#include "ek_stack.h"

#include <stddef.h>

#include "edgekit/ek_port.h"

#define PATTERN 0xC5A3E169u

#if defined(__SANITIZE_ADDRESS__)
#define CAN_PAINT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAN_PAINT 0
#endif
#endif

/* How the stack pointer is read, and how many bytes below it belong to the running function:
 * x86-64's red zone; the register save area of Xtensa's windowed calls. */
#if defined(__x86_64__)
#define READ_STACK_POINTER "mov %%rsp, %0"
#define OWN_BYTES          128u
#elif defined(__i386__)
#define READ_STACK_POINTER "mov %%esp, %0"
#define OWN_BYTES          16u
#elif defined(__arm__) || defined(__aarch64__)
#define READ_STACK_POINTER "mov %0, sp"
#define OWN_BYTES          16u
#elif defined(__riscv)
#define READ_STACK_POINTER "mv %0, sp"
#define OWN_BYTES          16u
#elif defined(__xtensa__)
#define READ_STACK_POINTER "mov %0, a1"
#define OWN_BYTES          64u
#else
#define CAN_PAINT 0
#endif

#ifndef CAN_PAINT
#define CAN_PAINT 1
#endif

#if CAN_PAINT

/* Not inlined, so that its frame is small and its own. No call may come between reading the stack
 * pointer and the end of painting: stores are volatile, lest they become a memset. */
__attribute__((noinline)) uint32_t ek_stack_used_by(ek_status (*invoke)(void), ek_status *status)
{
    const uintptr_t limit = ((uintptr_t)ek_port_stack_limit() + 3u) & ~(uintptr_t)3u;
    uintptr_t top;
    __asm__ volatile(READ_STACK_POINTER : "=r"(top));
    const uintptr_t end = (top - OWN_BYTES) & ~(uintptr_t)3u;
    if (limit == 0 || limit >= end) {
        *status = invoke();
        return UINT32_MAX;
    }
    for (uintptr_t at = limit; at < end; at += 4) {
        *(volatile uint32_t *)at = PATTERN;
    }
    *status = invoke();
    uintptr_t lowest = limit;
    while (lowest < end && *(volatile uint32_t *)lowest == PATTERN) {
        lowest += 4;
    }
    return (uint32_t)(top - lowest);
}

#else

uint32_t ek_stack_used_by(ek_status (*invoke)(void), ek_status *status)
{
    *status = invoke();
    return UINT32_MAX;
}

#endif
