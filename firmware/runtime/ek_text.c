/* ek_text.c: MLPerf Tiny's text commands. docs/protocol.md, "Text commands". */
#include <string.h>

#include "ek_fixed.h"
#include "ek_say.h"
#include "ek_server_state.h"

#if EK_TEXT_COMMANDS

#define LINE_TOO_LONG   (EK_TEXT_LINE_BYTES + 1)
#define NUMBER_MAX      9999999u
#define DEFAULT_WARM_UP 10u

/* Ticks become microseconds where a tick is a time; elsewhere they stay ticks. */
static void say_lap(void)
{
    const uint64_t ticks = ek_port_ticks();
    const uint64_t hz = ek_port_ticks_hz();
    const uint64_t us = hz == 0 ? ticks : ticks / hz * 1000000u + ticks % hz * 1000000u / hz;
    ek_say_line("m-lap-us-", us);
}

void ek_text_greet(void)
{
    ek_say("m-timestamp-mode-performance\r\n");
    say_lap();
    ek_say("m-init-done\r\nm-ready\r\n");
}

/* The next word of `*at`, ended by '\0'; "" if there is none. Moves `*at` past it. */
static char *next_word(char **at)
{
    char *start = *at;
    while (*start == ' ') {
        start++;
    }
    char *end = start;
    while (*end != '\0' && *end != ' ') {
        end++;
    }
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return start;
}

/* False unless `word` is a decimal number of 0..NUMBER_MAX. */
static bool is_number(const char *word, uint32_t *number)
{
    *number = 0;
    for (const char *at = word; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || *number > NUMBER_MAX / 10) {
            return false;
        }
        *number = *number * 10 + (uint32_t)(*at - '0');
    }
    return *word != '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Runs `count` times; false, and an error said, if the model fails. */
static bool run(ek_server *server, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ek_run_once(server, NULL) != EK_OK) {
            ek_say("e-[");
            ek_say(server->cause);
            ek_say("]\r\n");
            return false;
        }
    }
    return true;
}

/* Text has changed what the host's session relied upon: end the session. */
static void end_session(ek_server *server)
{
    server->session = 0;
    server->has_answered = false;
}

static void do_infer(ek_server *server, char *words)
{
    uint32_t count = 1;
    uint32_t warm_up = DEFAULT_WARM_UP;
    const char *const first = next_word(&words);
    const char *const second = next_word(&words);
    if ((*first != '\0' && !is_number(first, &count)) || count == 0 ||
        (*second != '\0' && !is_number(second, &warm_up))) {
        ek_say("e-[infer takes a count and a warm-up count]\r\n");
        return;
    }
    end_session(server);
    ek_say_line("m-warmup-start-", warm_up);
    if (!run(server, warm_up)) {
        return;
    }
    ek_say("m-warmup-done\r\n");
    ek_say_line("m-infer-start-", count);
    say_lap();
    if (!run(server, count)) {
        return;
    }
    say_lap();
    ek_say("m-infer-done\r\n");
    ek_text_results(server);
}

static void do_load(ek_server *server, const char *size)
{
    const ek_model *const model = server->model;
    const ek_tensor *const input = &model->inputs[0];
    const bool is_s8 = input->type == EK_INT8;
    const bool has_pixels = ek_starts_with(model->name, "vww") || ek_starts_with(model->name, "ic");
    ek_text *const text = &server->text;
    uint32_t expected;
    if (!is_number(size, &expected) ||
        (expected != input->size_bytes && !(is_s8 && expected == 4 * input->size_bytes))) {
        ek_say("e-[The model's input has ");
        ek_say_number(input->size_bytes);
        ek_say(" bytes]\r\n");
        return;
    }
    end_session(server);
    text->form = expected != input->size_bytes ? EK_TEXT_FLOATS
                 : is_s8 && has_pixels         ? EK_TEXT_PIXELS
                                               : EK_TEXT_RAW;
    text->expected = expected;
    text->received = 0;
    ek_say("m-[Expecting ");
    ek_say_number(expected);
    ek_say(" bytes]\r\n");
}

static void take_byte(ek_server *server, uint8_t byte)
{
    ek_text *const text = &server->text;
    const ek_tensor *const input = &server->model->inputs[0];
    uint8_t *const copy = ek_run_input_copy(server, 0);
    const uint32_t at = text->received++;
    if (text->form != EK_TEXT_FLOATS) {
        copy[at] = text->form == EK_TEXT_PIXELS ? byte ^ 0x80u : byte;
        return;
    }
    text->float_bits = text->float_bits >> 8 | (uint32_t)byte << 24;
    if (at % 4 == 3) {
        copy[at / 4] = (uint8_t)ek_fixed_quantize(text->float_bits, ek_float_bits(&input->scale),
                                                  input->zero_point);
    }
}

/* All digits are looked at before any byte is taken. */
static void do_bytes(ek_server *server, const char *digits)
{
    ek_text *const text = &server->text;
    size_t count = 0;
    while (hex_digit(digits[count]) >= 0) {
        count++;
    }
    if (count == 0 || count % 2 != 0 || digits[count] != '\0') {
        ek_say("e-[db takes pairs of hexadecimal digits]\r\n");
        return;
    }
    if (count / 2 > text->expected - text->received) {
        ek_say("e-[These are more bytes than expected]\r\n");
        return;
    }
    for (size_t i = 0; i < count; i += 2) {
        take_byte(server, (uint8_t)(hex_digit(digits[i]) * 16 + hex_digit(digits[i + 1])));
    }
    if (text->received == text->expected) {
        ek_say("m-load-done\r\n");
    }
}

/* The bytes as they were sent; floats as what they were quantised to. */
static void do_print(const ek_server *server)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *const copy = ek_run_input_copy(server, 0);
    const unsigned flip = server->text.form == EK_TEXT_PIXELS ? 0x80u : 0u;
    ek_say("m-buffer");
    for (size_t i = 0; i < server->model->inputs[0].size_bytes; i++) {
        const unsigned byte = copy[i] ^ flip;
        const char pair[4] = {'-', digits[byte >> 4], digits[byte & 15u], '\0'};
        ek_say(pair);
    }
    ek_say("\r\n");
}

static bool is_word(const char *word, const char *name)
{
    return ek_starts_with(word, name) && strlen(word) == strlen(name);
}

static void do_db(ek_server *server, char *words)
{
    const char *const word = next_word(&words);
    if (is_word(word, "load")) {
        do_load(server, next_word(&words));
    } else if (is_word(word, "print")) {
        do_print(server);
    } else {
        do_bytes(server, word);
    }
}

static void do_results(ek_server *server, char *words)
{
    (void)words;
    ek_text_results(server);
}

static void do_name(ek_server *server, char *words)
{
    (void)words;
    ek_say("m-name-dut-[");
    ek_say(server->config->board_id != NULL ? server->config->board_id : "edgekit");
    ek_say("]\r\n");
}

static void do_profile(ek_server *server, char *words)
{
    (void)words;
    ek_say("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
    ek_say(server->model->name);
    ek_say("]\r\n");
}

static void do_timestamp(ek_server *server, char *words)
{
    (void)server;
    (void)words;
    say_lap();
}

static void do_help(ek_server *server, char *words)
{
    (void)server;
    (void)words;
    ek_say("m-[name profile timestamp help results]\r\n"
           "m-[db load N, db HH.., db print, infer N W]\r\n");
}

static bool has_model(const ek_server *server)
{
    return server->model_status == EK_OK && server->model->input_count > 0 &&
           server->model->output_count > 0;
}

typedef struct {
    const char *name;
    bool needs_model;
    void (*act)(ek_server *server, char *words);
} command;

/* The command whose name stands at the start of `line`; NULL if we know none. */
static const command *command_of(const char *line, size_t length)
{
    static const command commands[] = {
        {"name", false, do_name},
        {"profile", false, do_profile},
        {"timestamp", false, do_timestamp},
        {"help", false, do_help},
        {"db", true, do_db},
        {"infer", true, do_infer},
        {"results", true, do_results},
    };
    for (; length > 0 && *line == ' '; length--) {
        line++;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const size_t size = strlen(commands[i].name);
        if (size <= length && memcmp(line, commands[i].name, size) == 0 &&
            (size == length || line[size] == ' ')) {
            return &commands[i];
        }
    }
    return NULL;
}

static void obey(ek_server *server, char *words)
{
    const command *const known = command_of(words, strlen(words));
    const char *const name = next_word(&words);
    if (known == NULL) {
        ek_say("e-[Unknown command: ");
        ek_say(name);
        ek_say("]\r\n");
    } else if (known->needs_model && !has_model(server)) {
        ek_say("e-[The model did not start]\r\n");
    } else {
        known->act(server, words);
    }
}

static bool is_printable(uint8_t byte)
{
    return byte >= ' ' && byte <= '~';
}

void ek_text_push(ek_server *server, uint8_t byte)
{
    ek_text *const text = &server->text;
    if (byte != '%') {
        if (is_printable(byte) && text->length < LINE_TOO_LONG) {
            text->line[text->length++] = (char)byte;
        }
        return;
    }
    const bool too_long = text->length == LINE_TOO_LONG;
    text->line[too_long ? 0 : text->length] = '\0';
    text->length = 0;
    if (too_long) {
        ek_say("e-[The command is longer than 80 characters]\r\n");
    } else {
        obey(server, text->line);
    }
    ek_say("m-ready\r\n");
}

void ek_text_overhear(ek_server *server, uint8_t byte)
{
    ek_text *const text = &server->text;
    const bool is_end = byte == '%';
    if (is_end && text->length < LINE_TOO_LONG && command_of(text->line, text->length) != NULL) {
        ek_frame_abandon(&server->decoder);
        server->is_stalled = false;
        ek_text_push(server, byte);
    } else if (is_end || !is_printable(byte)) {
        text->length = 0;
    } else {
        ek_text_push(server, byte);
    }
}

#endif
