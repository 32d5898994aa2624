/* instruction_counter.c: a plugin for QEMU's user mode that shows the program how many instructions
 * it has executed.
 *
 *     qemu-aarch64 -plugin instruction_counter.so,fd=100 program
 *
 * The count is a number of 64 bits at the start of a file in memory, which the program finds open
 * under the descriptor `fd`: QEMU and the program are one process. A block of code that runs from
 * its start to its end is counted when it is entered, so two readings made by the same function
 * differ by exactly what was executed between them.
 *
 * QEMU's header is not packaged; what is used of it is declared here, after its documentation
 * ("QEMU TCG Plugins"). Compile with -DPLUGIN_API=N, the version of that interface. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define NO_REGS    0 /* the callback reads no registers */
#define PAGE_BYTES 4096

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
typedef void (*translated_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed_callback)(unsigned vcpu, void *context);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_callback callback,
                                          int flags, void *context);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

EXPORT int qemu_plugin_version = PLUGIN_API;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv);

static uint64_t *executed;

static void on_executed(unsigned vcpu, void *context)
{
    (void)vcpu;
    *executed += (uintptr_t)context;
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_executed, NO_REGS,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

/* A file in memory, open as `fd`; NULL if it cannot be made. */
static uint64_t *shared_number(int fd)
{
    const int made = memfd_create("edgekit", 0);
    if (made < 0 || ftruncate(made, PAGE_BYTES) != 0 || dup2(made, fd) < 0) {
        return NULL;
    }
    if (made != fd) {
        (void)close(made);
    }
    void *const page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    const int fd = argc == 1 && strncmp(argv[0], "fd=", 3) == 0 ? atoi(argv[0] + 3) : -1;
    executed = fd < 0 ? NULL : shared_number(fd);
    if (executed == NULL) {
        (void)fprintf(stderr, "instruction_counter: give fd=N, a file descriptor that is free\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
