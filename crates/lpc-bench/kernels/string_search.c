/*
 * Finds all occurrences of patterns in a text, with Horspool's algorithm: where the last character is that of the pattern,
 * compares the others, and then skips as far as that character allows.
 *
 * Input: a text of 16 KiB, of the letters a to d from a linear congruential generator, and eight parts of it as patterns, of 3
 * to 10 letters.
 *
 * Trust: each pattern has to be found where it was taken from; the result is 0 if it is not. The checksum is made of all
 * 377 positions, which are those that Python's `str.find` gives.
 */

#include <stdint.h>

#define TEXT_LENGTH 16384
#define CHARACTERS 256
#define SHORTEST 3
#define LONGEST 10
#define DISTANCE 1500

static uint8_t text[TEXT_LENGTH];

/* How far to go on from a place, by its last character. */
static uint8_t skips[CHARACTERS];

static __attribute__((noinline)) void write_text(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < TEXT_LENGTH; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = (uint8_t)('a' + (random >> 30));
    }
}

static __attribute__((noinline)) void write_skips(const uint8_t *pattern, uint32_t length)
{
    for (uint32_t character = 0; character < CHARACTERS; character++)
        skips[character] = (uint8_t)length;
    for (uint32_t i = 0; i < length - 1; i++)
        skips[pattern[i]] = (uint8_t)(length - 1 - i);
}

static inline int is_equal(const uint8_t *a, const uint8_t *b, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return 1;
}

/* The first position of the pattern from a position on, or the length of the text where there is none. */
static __attribute__((noinline)) uint32_t find(const uint8_t *pattern, uint32_t length, uint32_t position)
{
    uint32_t last = length - 1;
    uint8_t last_character = pattern[last];
    while (position + last < TEXT_LENGTH) {
        uint8_t character = text[position + last];
        if (character == last_character && is_equal(text + position, pattern, last))
            return position;
        position += skips[character];
    }
    return TEXT_LENGTH;
}

uint32_t kernel(void)
{
    uint32_t checksum = 0;

    write_text();
    for (uint32_t length = SHORTEST; length <= LONGEST; length++) {
        uint32_t origin = length * DISTANCE;
        const uint8_t *pattern = text + origin;
        uint32_t found = 0;
        write_skips(pattern, length);
        uint32_t position = find(pattern, length, 0);
        while (position != TEXT_LENGTH) {
            found |= position == origin;
            checksum = checksum * 31 + position;
            position = find(pattern, length, position + 1);
        }
        if (!found)
            return 0;
    }
    return checksum;
}
