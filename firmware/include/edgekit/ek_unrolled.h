/* ek_unrolled.h: what keeps gcc from undoing the order of an unrolled inner loop. */
#ifndef EDGEKIT_EK_UNROLLED_H
#define EDGEKIT_EK_UNROLLED_H

/* What keeps gcc from rewriting the order of an unrolled loop, after each step that moved `pointer`
 * on. Arm's loads move their pointer at no cost, but gcc prefers fixed offsets and adds to every
 * pointer at the end: it must not see through the pointer. Elsewhere it loads far ahead and then
 * runs out of registers: it must not move loads across the step. */
#if defined(__GNUC__) && defined(__arm__)
#define EK_MOVED_ON(pointer) __asm__("" : "+r"(pointer))
#elif defined(__GNUC__) && (defined(__riscv) || defined(__XTENSA__))
#define EK_MOVED_ON(pointer) __asm__ volatile("" : : : "memory")
#else
#define EK_MOVED_ON(pointer) ((void)0)
#endif

/* Before each step of a loop with four sums. For MVE gcc 12 would keep the sums in one vector and
 * fill a second one with the products by way of memory, which takes twice the instructions. It
 * does neither where one of the sums is hidden from it. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_MVE)
#define EK_NOT_A_VECTOR(sum) __asm__("" : "+r"(sum))
#else
#define EK_NOT_A_VECTOR(sum) ((void)0)
#endif

#endif
