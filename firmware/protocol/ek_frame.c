/* ek_frame.c: bytes of the wire to frames and back. docs/protocol.md, "Frames". */
#include "edgekit/ek_protocol.h"

#define COBS_BLOCK_MAX 254u
#define CHUNK_BYTES    64u

uint32_t ek_crc32(uint32_t crc, const void *bytes, size_t size)
{
    /* The remainders of the 16 nibbles: 64 bytes of flash instead of the usual 1024. */
    static const uint32_t nibbles[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    const uint8_t *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ nibbles[crc & 15u];
        crc = (crc >> 4) ^ nibbles[crc & 15u];
    }
    return ~crc;
}

/* Gathers what is sent, so that a port is not called for each of COBS's short blocks. */
typedef struct {
    ek_frame_sink sink;
    void *context;
    ek_status status;
    size_t used;
    uint8_t chunk[CHUNK_BYTES];
} gatherer;

static void flush(gatherer *out)
{
    if (out->status == EK_OK && out->used > 0) {
        out->status = out->sink(out->context, out->chunk, out->used);
    }
    out->used = 0;
}

static void put(gatherer *out, uint8_t byte)
{
    out->chunk[out->used++] = byte;
    if (out->used == CHUNK_BYTES) {
        flush(out);
    }
}

ek_status ek_frame_send(ek_frame_sink sink, void *context, uint8_t *body, size_t size)
{
    gatherer out = {.sink = sink, .context = context, .status = EK_OK, .used = 0};
    const uint32_t crc = ek_crc32(0, body, size);
    for (size_t i = 0; i < EK_LINK_CRC_BYTES; i++) {
        body[size++] = (uint8_t)(crc >> (8 * i));
    }
    put(&out, 0);
    for (size_t from = 0; from <= size;) {
        size_t to = from;
        while (to < size && body[to] != 0 && to - from < COBS_BLOCK_MAX) {
            to++;
        }
        put(&out, (uint8_t)(to - from + 1));
        for (size_t i = from; i < to; i++) {
            put(&out, body[i]);
        }
        const bool full = to - from == COBS_BLOCK_MAX;
        if (full && to == size) {
            break; /* a full last block needs no block after it */
        }
        from = full ? to : to + 1;
    }
    put(&out, 0);
    flush(&out);
    return out.status;
}

static void begin(ek_frame_decoder *decoder, bool inside)
{
    decoder->inside = inside;
    decoder->size = 0;
    decoder->block_left = 0;
    decoder->zero_due = false;
    decoder->started = false;
    decoder->overflowed = false;
}

static void append(ek_frame_decoder *decoder, uint8_t byte)
{
    if (decoder->size < decoder->capacity) {
        decoder->body[decoder->size++] = byte;
    } else {
        decoder->overflowed = true;
    }
}

/* True if the collected bytes are a header, perhaps a payload, and their own CRC. */
static bool is_good(ek_frame_decoder *decoder)
{
    if (decoder->block_left > 0 || decoder->overflowed ||
        decoder->size < EK_LINK_HEADER_BYTES + EK_LINK_CRC_BYTES) {
        return false;
    }
    const size_t size = decoder->size - EK_LINK_CRC_BYTES;
    uint32_t sent = 0;
    for (size_t i = 0; i < EK_LINK_CRC_BYTES; i++) {
        sent |= (uint32_t)decoder->body[size + i] << (8 * i);
    }
    decoder->crc = sent;
    return ek_crc32(0, decoder->body, size) == sent;
}

/* After a good frame the decoder is outside. After a damaged one it stays inside, for the zero may
 * as well be the one before the next frame. */
static ek_frame_event end(ek_frame_decoder *decoder)
{
    if (!decoder->started) {
        begin(decoder, true);
        return EK_FRAME_PART;
    }
    if (!is_good(decoder)) {
        begin(decoder, true);
        return EK_FRAME_DAMAGED;
    }
    const size_t size = decoder->size - EK_LINK_CRC_BYTES;
    begin(decoder, false);
    decoder->size = size;
    return EK_FRAME_WHOLE;
}

ek_frame_event ek_frame_push(ek_frame_decoder *decoder, uint8_t byte)
{
    if (byte == 0) {
        return end(decoder);
    }
    if (!decoder->inside) {
        return EK_FRAME_NONE;
    }
    decoder->started = true;
    if (decoder->block_left > 0) {
        append(decoder, byte);
        decoder->block_left--;
        return EK_FRAME_PART;
    }
    if (decoder->zero_due) {
        append(decoder, 0);
    }
    decoder->block_left = (uint8_t)(byte - 1);
    decoder->zero_due = byte != COBS_BLOCK_MAX + 1;
    return EK_FRAME_PART;
}

void ek_frame_abandon(ek_frame_decoder *decoder)
{
    begin(decoder, false);
}
