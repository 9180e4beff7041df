/*
 * ChaCha20 (RFC 8439): encrypts words with the key stream.
 *
 * Input: the key, the nonce and the counter of section 2.3.2 of the RFC, and 16 KiB from a linear congruential generator, which
 * take 256 blocks.
 *
 * Trust: the block of section 2.3.2 is compared with the published one; the result is 0 if it differs. The checksum is made of
 * the encrypted words, which are those that OpenSSL gives.
 */

#include <stdint.h>

#define MESSAGE_WORDS 4096
#define BLOCK_WORDS 16

static uint32_t message[MESSAGE_WORDS];

/* The constant, the key, the counter and the nonce. */
static const uint32_t initial_state[BLOCK_WORDS] = {
    0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
    0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c, 0x00000001, 0x09000000, 0x4a000000, 0x00000000,
};

/* The block of this state. */
static const uint32_t published_block[BLOCK_WORDS] = {
    0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
    0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
};

static inline uint32_t rotate_left(uint32_t word, uint32_t count)
{
    return word << count | word >> (32 - count);
}

#define QUARTER_ROUND(a, b, c, d)   \
    do {                            \
        a += b;                     \
        d = rotate_left(d ^ a, 16); \
        c += d;                     \
        b = rotate_left(b ^ c, 12); \
        a += b;                     \
        d = rotate_left(d ^ a, 8);  \
        c += d;                     \
        b = rotate_left(b ^ c, 7);  \
    } while (0)

static __attribute__((noinline)) void write_message(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++) {
        random = random * 1664525 + 1013904223;
        message[i] = random;
    }
}

/* Writes the block of a state. */
static __attribute__((noinline)) void write_block(uint32_t *block, const uint32_t *state)
{
    uint32_t x0 = state[0];
    uint32_t x1 = state[1];
    uint32_t x2 = state[2];
    uint32_t x3 = state[3];
    uint32_t x4 = state[4];
    uint32_t x5 = state[5];
    uint32_t x6 = state[6];
    uint32_t x7 = state[7];
    uint32_t x8 = state[8];
    uint32_t x9 = state[9];
    uint32_t x10 = state[10];
    uint32_t x11 = state[11];
    uint32_t x12 = state[12];
    uint32_t x13 = state[13];
    uint32_t x14 = state[14];
    uint32_t x15 = state[15];
    for (uint32_t i = 0; i < 10; i++) {
        QUARTER_ROUND(x0, x4, x8, x12);
        QUARTER_ROUND(x1, x5, x9, x13);
        QUARTER_ROUND(x2, x6, x10, x14);
        QUARTER_ROUND(x3, x7, x11, x15);
        QUARTER_ROUND(x0, x5, x10, x15);
        QUARTER_ROUND(x1, x6, x11, x12);
        QUARTER_ROUND(x2, x7, x8, x13);
        QUARTER_ROUND(x3, x4, x9, x14);
    }
    block[0] = x0 + state[0];
    block[1] = x1 + state[1];
    block[2] = x2 + state[2];
    block[3] = x3 + state[3];
    block[4] = x4 + state[4];
    block[5] = x5 + state[5];
    block[6] = x6 + state[6];
    block[7] = x7 + state[7];
    block[8] = x8 + state[8];
    block[9] = x9 + state[9];
    block[10] = x10 + state[10];
    block[11] = x11 + state[11];
    block[12] = x12 + state[12];
    block[13] = x13 + state[13];
    block[14] = x14 + state[14];
    block[15] = x15 + state[15];
}

/* Encrypts words; `count` is a multiple of a block's. The counter in the state goes on. */
static __attribute__((noinline)) void encrypt(uint32_t *words, uint32_t count, uint32_t *state)
{
    uint32_t block[BLOCK_WORDS];
    uint32_t *end = words + count;
    while (words != end) {
        write_block(block, state);
        state[12]++;
        for (uint32_t i = 0; i < BLOCK_WORDS; i++)
            words[i] ^= block[i];
        words += BLOCK_WORDS;
    }
}

uint32_t kernel(void)
{
    uint32_t state[BLOCK_WORDS];
    uint32_t block[BLOCK_WORDS];

    for (uint32_t i = 0; i < BLOCK_WORDS; i++)
        state[i] = initial_state[i];
    write_block(block, state);
    for (uint32_t i = 0; i < BLOCK_WORDS; i++) {
        if (block[i] != published_block[i])
            return 0;
    }

    write_message();
    encrypt(message, MESSAGE_WORDS, state);
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < MESSAGE_WORDS; i++)
        checksum = checksum * 31 + message[i];
    return checksum;
}
