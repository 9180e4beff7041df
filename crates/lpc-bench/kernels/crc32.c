/*
 * CRC-32 as Ethernet, gzip and PNG have it, a byte at a time with a table: polynomial 0xedb88320 (reflected), start and end
 * complemented.
 *
 * Input: 8 KiB from a linear congruential generator, which are appended eight times to what the CRC is of. The table is built
 * at the start.
 *
 * Trust: the CRC of the nine digits 123456789 is compared with the published one, 0xcbf43926; the result is 0 if it differs.
 * The checksum is what zlib gives for the 64 KiB.
 */

#include <stdint.h>

#define TABLE_SIZE 256
#define MESSAGE_SIZE 8192
#define PASSES 8

static uint32_t table[TABLE_SIZE];
static uint8_t message[MESSAGE_SIZE];
static const uint8_t digits[9] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};

/* Writes the table: for each byte, the remainder of its eight bits. */
static __attribute__((noinline)) void write_table(void)
{
    for (uint32_t byte = 0; byte < TABLE_SIZE; byte++) {
        uint32_t remainder = byte;
        for (uint32_t bit = 0; bit < 8; bit++) {
            uint32_t quotient = remainder >> 1;
            remainder = remainder & 1 ? quotient ^ 0xedb88320 : quotient;
        }
        table[byte] = remainder;
    }
}

static __attribute__((noinline)) void write_message(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < MESSAGE_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        message[i] = (uint8_t)(random >> 24);
    }
}

/* The CRC of what `crc` is the CRC of and some more bytes. */
static __attribute__((noinline)) uint32_t append(uint32_t crc, const uint8_t *bytes, uint32_t length)
{
    const uint8_t *end = bytes + length;
    crc = ~crc;
    while (bytes != end) {
        crc = table[(crc ^ *bytes) & 0xff] ^ (crc >> 8);
        bytes++;
    }
    return ~crc;
}

uint32_t kernel(void)
{
    write_table();
    if (append(0, digits, sizeof digits) != 0xcbf43926)
        return 0;

    write_message();
    uint32_t crc = 0;
    for (uint32_t pass = 0; pass < PASSES; pass++)
        crc = append(crc, message, MESSAGE_SIZE);
    return crc;
}
