/* ek_message.c: little-endian fields in and out of a message, never past its end. */
#include <string.h>

#include "edgekit/ek_protocol.h"

static uint32_t get(ek_reader *reader, size_t bytes)
{
    if (reader->left < bytes) {
        reader->left = 0;
        reader->failed = true;
        return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint32_t)reader->at[i] << (8 * i);
    }
    reader->at += bytes;
    reader->left -= bytes;
    return value;
}

uint8_t ek_get_u8(ek_reader *reader)
{
    return (uint8_t)get(reader, 1);
}

uint16_t ek_get_u16(ek_reader *reader)
{
    return (uint16_t)get(reader, 2);
}

uint32_t ek_get_u32(ek_reader *reader)
{
    return get(reader, 4);
}

bool ek_get_end(const ek_reader *reader)
{
    return reader->left == 0 && !reader->failed;
}

void ek_put_bytes(ek_writer *writer, const void *bytes, size_t size)
{
    if (writer->failed || writer->left < size) {
        writer->failed = true;
        return;
    }
    if (size > 0) {
        memcpy(writer->at, bytes, size);
    }
    writer->at += size;
    writer->left -= size;
}

static void put(ek_writer *writer, uint64_t value, size_t bytes)
{
    uint8_t field[8];
    for (size_t i = 0; i < bytes; i++) {
        field[i] = (uint8_t)(value >> (8 * i));
    }
    ek_put_bytes(writer, field, bytes);
}

void ek_put_u8(ek_writer *writer, uint8_t value)
{
    put(writer, value, 1);
}

void ek_put_u16(ek_writer *writer, uint16_t value)
{
    put(writer, value, 2);
}

void ek_put_u32(ek_writer *writer, uint32_t value)
{
    put(writer, value, 4);
}

void ek_put_u64(ek_writer *writer, uint64_t value)
{
    put(writer, value, 8);
}

void ek_put_f32(ek_writer *writer, const float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    ek_put_u32(writer, bits);
}

void ek_put_string(ek_writer *writer, const char *string, size_t most)
{
    size_t size = 0;
    while (string != NULL && size < most && string[size] != '\0') {
        size++;
    }
    if (writer->left < size + 1) {
        writer->failed = true;
        return;
    }
    ek_put_u8(writer, (uint8_t)size);
    ek_put_bytes(writer, string, size);
}
