/* ek_tflm_abort.c: how TensorFlow Lite Micro gives up where there is no operating system.
 *
 * The C library's abort() raises a signal, which takes functions of a system. A trap leads to the
 * fault handler of the start-up code. */

_Noreturn void abort(void);

_Noreturn void abort(void)
{
    __builtin_trap();
}
