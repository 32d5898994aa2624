/* codec.c: the frame codec and the fixed-point arithmetic as a filter, one line in, one line out.
 *
 *     encode <body hex>                     -> <wire hex>
 *     decode <wire hex>                     -> <event>[ <body hex>] for each frame that ends
 *     crc <hex>                             -> <crc>
 *     scale <q> <scale bits> <factor> <e>   -> <integer>
 *     quantize <x bits> <scale bits> <zp>   -> <int8> */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "edgekit/ek_protocol.h"
#include "ek_fixed.h"

#define LINE_BYTES 200000

static char line[LINE_BYTES];
static uint8_t bytes[LINE_BYTES / 2];

static size_t from_hex(const char *hex)
{
    size_t size = 0;
    unsigned value;
    while (sscanf(hex + 2 * size, "%2x", &value) == 1) {
        bytes[size++] = (uint8_t)value;
    }
    return size;
}

static ek_status print_hex(void *context, const uint8_t *from, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++) {
        (void)printf("%02x", from[i]);
    }
    return EK_OK;
}

static void decode(size_t size)
{
    static uint8_t body[EK_LINK_BODY_BYTES];
    ek_frame_decoder decoder = {.body = body, .capacity = sizeof body};
    for (size_t i = 0; i < size; i++) {
        const ek_frame_event event = ek_frame_push(&decoder, bytes[i]);
        if (event == EK_FRAME_WHOLE) {
            (void)printf("whole ");
            (void)print_hex(NULL, body, decoder.size);
            (void)printf(" ");
        } else if (event == EK_FRAME_DAMAGED) {
            (void)printf("damaged ");
        }
    }
}

static void obey(const char *word, const char *rest)
{
    uint32_t q, bits, factor;
    int32_t number;
    const size_t size = from_hex(rest);
    if (strcmp(word, "encode") == 0) {
        (void)ek_frame_send(print_hex, NULL, bytes, size);
    } else if (strcmp(word, "decode") == 0) {
        decode(size);
    } else if (strcmp(word, "crc") == 0) {
        (void)printf("%" PRIu32,
                     ek_crc32(ek_crc32(0, bytes, size / 3), bytes + size / 3, size - size / 3));
    } else if (sscanf(rest, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNd32, &q, &bits, &factor,
                      &number) == 4) {
        (void)printf("%" PRIu64, ek_fixed_scale(q, bits, factor, number));
    } else if (sscanf(rest, "%" SCNu32 " %" SCNu32 " %" SCNd32, &q, &bits, &number) == 3) {
        (void)printf("%d", ek_fixed_quantize(q, bits, number));
    }
}

int main(void)
{
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *const space = strchr(line, ' ');
        if (space != NULL) {
            *space = '\0';
            obey(line, space + 1);
        }
        (void)printf("\n");
        (void)fflush(stdout);
    }
    return 0;
}
