/*
 * SHA-256 (FIPS 180-4).
 *
 * Input: 8 KiB from a linear congruential generator, which take 129 blocks of 64 bytes with their padding.
 *
 * Trust: the digest of the message "abc" is compared with the published one; the result is 0 if it differs. The checksum is
 * made of the eight words of the digest, which is the one that Python's hashlib gives.
 */

#include <stdint.h>

#define MESSAGE_SIZE 8192
#define BLOCK_SIZE 64

static uint8_t message[MESSAGE_SIZE + BLOCK_SIZE];

/* The first 32 bits of the fractions of the square roots of the first 8 primes. */
static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The digest of the message "abc". */
static const uint32_t abc_digest[8] = {
    0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad,
};

static inline uint32_t rotate_right(uint32_t word, uint32_t count)
{
    return word >> count | word << (32 - count);
}

static inline uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static __attribute__((noinline)) void write_message(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < MESSAGE_SIZE; i++) {
        random = random * 1664525 + 1013904223;
        message[i] = (uint8_t)(random >> 24);
    }
}

/* Pads the message, of `length` bytes, to whole blocks, and returns their number. */
static __attribute__((noinline)) uint32_t pad(uint32_t length)
{
    uint32_t blocks = (length + 1 + 8 + BLOCK_SIZE - 1) / BLOCK_SIZE;
    uint8_t *bytes = message + length;
    uint8_t *end = message + blocks * BLOCK_SIZE;
    uint32_t bits = length * 8;
    *bytes++ = 0x80;
    while (bytes != end)
        *bytes++ = 0;
    for (uint32_t i = 0; i < 4; i++) {
        *--end = (uint8_t)bits;
        bits >>= 8;
    }
    return blocks;
}

/* Writes the message schedule of a block. */
static __attribute__((noinline)) void write_schedule(uint32_t *schedule, const uint8_t *block)
{
    for (uint32_t i = 0; i < 16; i++)
        schedule[i] = load_big_endian(block + 4 * i);
    for (uint32_t i = 16; i < 64; i++) {
        uint32_t w2 = schedule[i - 2];
        uint32_t w15 = schedule[i - 15];
        uint32_t sigma1 = rotate_right(w2, 17) ^ rotate_right(w2, 19) ^ w2 >> 10;
        uint32_t sigma0 = rotate_right(w15, 7) ^ rotate_right(w15, 18) ^ w15 >> 3;
        schedule[i] = sigma1 + schedule[i - 7] + sigma0 + schedule[i - 16];
    }
}

static __attribute__((noinline)) void hash_block(uint32_t *state, const uint8_t *block)
{
    uint32_t schedule[64];
    write_schedule(schedule, block);

    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    uint32_t e = state[4];
    uint32_t f = state[5];
    uint32_t g = state[6];
    uint32_t h = state[7];
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t choice = ((f ^ g) & e) ^ g;
        uint32_t t1 = h + sum1 + choice + round_constants[i] + schedule[i];
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t majority = (a & b) | (c & (a | b));
        uint32_t t2 = sum0 + majority;
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

/* Writes the digest of the message, of `length` bytes, to the state. */
static __attribute__((noinline)) void digest(uint32_t *state, uint32_t length)
{
    uint32_t blocks = pad(length);
    for (uint32_t i = 0; i < 8; i++)
        state[i] = initial_state[i];
    for (uint32_t i = 0; i < blocks; i++)
        hash_block(state, message + i * BLOCK_SIZE);
}

uint32_t kernel(void)
{
    uint32_t state[8];

    message[0] = 'a';
    message[1] = 'b';
    message[2] = 'c';
    digest(state, 3);
    for (uint32_t i = 0; i < 8; i++) {
        if (state[i] != abc_digest[i])
            return 0;
    }

    write_message();
    digest(state, MESSAGE_SIZE);
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < 8; i++)
        checksum = checksum * 31 + state[i];
    return checksum;
}
