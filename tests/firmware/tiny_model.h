/* tiny_model.h: a model small enough to check by hand, for the tests of the server. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "edgekit/ek_model.h"

#define TINY_ARENA_BYTES  4096
#define TINY_INPUTS_BYTES (16 + 3000)

/* Two int8 inputs, `a` (16) and `b` (3000). Steps: a += 1; then outputs `sum` (16) = a + b[0..16)
 * and `copy` (3000) = b. Both inputs are overwritten. */
extern const ek_model tiny_model;

/* The same with a name and shapes of the kind that MLPerf Tiny's text commands know: one int8 input
 * of 640, one output of 640 = input + 4. */
extern const ek_model tiny_ad;

/* As tiny_ad, named vww01. */
extern const ek_model tiny_vww;

/* As tiny_ad in bytes, which are 320 int16 here. */
extern const ek_model tiny_wide;

/* Refuses to start. */
extern const ek_model tiny_broken;

/* Its invoke fails. */
extern const ek_model tiny_failing;

/* Has no invoke_hooked, as libraries built with EK_PROFILE 0. */
extern const ek_model tiny_plain;

/* Describes another number of steps than it runs. */
extern const ek_model tiny_lying;

/* As tiny_model, on a board whose patience they outlast and do not outlast. */
extern const ek_model tiny_long, tiny_short;

/* Takes TINY_USED_BYTES of its arena, as one that is interpreted. */
#define TINY_USED_BYTES 1000
extern const ek_model tiny_sparing;

/* Runs since the start. */
extern uint32_t tiny_runs;

/* Make-believe ticks since the start: 100, 200 and 300 for the three steps. */
extern uint64_t tiny_work;

#endif
