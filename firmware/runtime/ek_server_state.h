/* ek_server_state.h: what the parts of the server share. Not for users: see ek_server.h. */
#ifndef EDGEKIT_EK_SERVER_STATE_H
#define EDGEKIT_EK_SERVER_STATE_H

#include "edgekit/ek_protocol.h"
#include "edgekit/ek_server.h"

#define EK_TEXT_LINE_BYTES 80

/* How the bytes of `db` become the model's first input. */
typedef enum {
    EK_TEXT_RAW,    /* as they are */
    EK_TEXT_PIXELS, /* uint8 minus 128 */
    EK_TEXT_FLOATS  /* float32, quantised with the input's scale and zero point */
} ek_text_form;

typedef struct {
    char line[EK_TEXT_LINE_BYTES + 1]; /* one more: too long, or the final zero */
    uint8_t length;
    uint32_t expected, received; /* bytes of the payload being loaded */
    uint32_t float_bits;
    ek_text_form form;
} ek_text;

typedef struct {
    const ek_server_config *config;
    const ek_model *model;
    ek_status model_status; /* of model->init; nothing runs unless EK_OK */
    const char *cause;      /* of the error being answered, in words */
    bool has_outputs;       /* a run has ended well since the session began */
    uint64_t run_ticks;     /* that the last run took; 0: there was none yet */
    uint32_t session;       /* chosen by the host in HELLO; 0: none yet */
    uint32_t damaged;       /* frames, since the start */

    bool has_answered; /* tx holds the reply to the request with this sequence and CRC */
    uint16_t answered_sequence;
    uint32_t answered_crc;
    size_t answered_bytes;

    ek_frame_decoder decoder;
    bool is_stalled; /* silence fell within the frame: text may come before its end */
    ek_text text;
    uint8_t rx[EK_LINK_BODY_BYTES];
    uint8_t tx[EK_LINK_BODY_BYTES];
} ek_server;

/* ---- ek_run.c -------------------------------------------------------------------------- */

/* Where the server's copy of input `i` lies. */
uint8_t *ek_run_input_copy(const ek_server *server, size_t i);

/* Bytes of all inputs together. */
size_t ek_run_inputs_bytes(const ek_model *model);

/* Forget inputs (all bytes 0) and outputs. */
void ek_run_reset(ek_server *server);

/* Run once over the copied inputs. *ticks (if not NULL): from entering to leaving invoke. */
ek_status ek_run_once(ek_server *server, uint64_t *ticks);

/* Run once; write the ticks (u64) of the steps from `first` on that fit. */
ek_status ek_run_profile(ek_server *server, size_t first, ek_writer *ticks);

/* Run once; write the CRC-32 (u32) of the outputs of the steps from `first` on that fit. */
ek_status ek_run_digests(ek_server *server, size_t first, ek_writer *digests);

/* Run once on a painted stack. *stack_bytes: see ek_stack_used_by. */
ek_status ek_run_stack(ek_server *server, uint32_t *stack_bytes);

/* ---- ek_requests.c --------------------------------------------------------------------- */

/* Answer one request of the current session. On an error, server->cause says why, and what is in
 * `reply` is dropped. EK_REPLY_UNKNOWN if there is no such message. */
int ek_request_answer(ek_server *server, uint8_t message, ek_reader *request, ek_writer *reply);

/* ---- ek_server.c ----------------------------------------------------------------------- */

/* Tell the host, within the reply that is being made, that the model runs now. */
void ek_server_busy(const ek_server *server);

/* ---- ek_text.c ------------------------------------------------------------------------- */

/* What is said once after reset. */
void ek_text_greet(void);

/* Take one byte that belongs to no frame. */
void ek_text_push(ek_server *server, uint8_t byte);

/* Look at one byte of a stalled frame. If unbroken text before it makes a command that we know,
 * the frame is abandoned and the command obeyed. */
void ek_text_overhear(ek_server *server, uint8_t byte);

/* ek_text_results.c: say the first output, dequantised; an autoencoder's (a model named ad...) as
 * its mean squared error. */
void ek_text_results(ek_server *server);

#endif
