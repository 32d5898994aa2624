/* ek_model.h: a model as a constant that describes itself.
 *
 * A generated model library <name> defines `const ek_model ek_<name>` and the functions
 * ek_<name>_init, _input, _invoke, _output. Both engines give the same API. */
#ifndef EDGEKIT_EK_MODEL_H
#define EDGEKIT_EK_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "edgekit/ek_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EK_MAX_RANK        6
#define EK_ARENA_ALIGNMENT 16

#if defined(__GNUC__) || defined(__clang__)
#define EK_ALIGNED(bytes) __attribute__((aligned(bytes)))
#else
#define EK_ALIGNED(bytes)
#endif

/* 1: the library also carries invoke_hooked (a second copy of its straight line of calls). */
#ifndef EK_PROFILE
#define EK_PROFILE 0
#endif

/* Element types; the numbers also stand in the link protocol. */
typedef enum {
    EK_INT8 = 1,
    EK_UINT8 = 2,
    EK_INT16 = 3,
    EK_INT32 = 4,
    EK_INT64 = 5,
    EK_FLOAT32 = 6,
    EK_BOOL = 7
} ek_type;

/* One input or output of the model. */
typedef struct {
    const char *name;
    uint8_t type; /* ek_type */
    uint8_t rank; /* 0..EK_MAX_RANK */
    int32_t shape[EK_MAX_RANK];
    uint32_t size_bytes;
    float scale; /* real = scale * (value - zero_point); 0 when not quantised */
    int32_t zero_point;
} ek_tensor;

/* One step of the model's straight line of calls: one operator today, perhaps several one day. */
typedef struct {
    const char *name;        /* the operator's name in the model, e.g. "CONV_2D" */
    const char *kernel;      /* the C function that computes it, e.g. "ek_conv_2d_s8" */
    uint16_t operator_index; /* of its first operator in the .tflite */
    uint32_t macs;           /* UINT32_MAX: so many or more */
    uint32_t output_offset;  /* bytes from the start of the arena */
    uint32_t output_bytes;
} ek_step;

/* Called after each step by invoke_hooked; the step's output is whole in the arena. */
typedef void (*ek_step_hook)(void *context, size_t step);

typedef struct {
    const char *name;
    const char *engine;   /* "aot" or "tflm" */
    uint8_t sha256[32];   /* of the .tflite */
    uint32_t arena_bytes; /* inputs, outputs, activations, scratch; what an interpreter keeps */
    uint32_t macs;        /* of one invoke; UINT32_MAX: so many or more */
    uint16_t input_count, output_count, step_count;
    const ek_tensor *inputs, *outputs;
    const ek_step *steps;

    /* Take `size` >= arena_bytes bytes, aligned to EK_ARENA_ALIGNMENT. EK_ERR_ARENA if not so. */
    ek_status (*init)(void *arena, size_t size);
    /* Where input `i` is to be written before each invoke (an invoke may overwrite it). NULL if
     * there is none. */
    void *(*input)(size_t i);
    /* Compute the outputs from the inputs. EK_ERR_STATE before init. */
    ek_status (*invoke)(void);
    /* Where output `i` can be read until the next input is written. NULL if there is none. */
    const void *(*output)(size_t i);
    /* Same as invoke, with `hook` called after each step; NULL in a library built with EK_PROFILE
     * 0. */
    ek_status (*invoke_hooked)(ek_step_hook hook, void *context);
    /* Bytes of the arena that the model took, 0 before init; NULL where that is all arena_bytes. */
    size_t (*arena_used)(void);
} ek_model;

#ifdef __cplusplus
}
#endif

#endif
