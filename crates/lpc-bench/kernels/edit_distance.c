/*
 * Computes the Levenshtein distance of two texts: how many letters must be inserted, deleted or replaced to turn one into the
 * other. Dynamic programming, with one row of the table of all prefixes in memory.
 *
 * Input: texts of 200 and 160 letters from a to d, from a linear congruential generator. The distance is computed in both
 * directions, and the two are folded into a checksum.
 *
 * Trust: both are the same, 104, and so says a recursion over prefixes in another language.
 */

#include <stdint.h>

#define LONG 200
#define SHORT 160

static uint8_t long_text[LONG];
static uint8_t short_text[SHORT];
static uint32_t row[LONG + 1];

static inline uint32_t next_random(uint32_t state)
{
    return state * 1664525 + 1013904223;
}

static inline uint32_t minimum(uint32_t x, uint32_t y)
{
    return x < y ? x : y;
}

/* Fills a text with random letters and returns the state of the generator. */
static __attribute__((noinline)) uint32_t fill(uint8_t *text, uint32_t length, uint32_t random)
{
    for (uint32_t i = 0; i < length; i++) {
        random = next_random(random);
        text[i] = 'a' + (random >> 30);
    }
    return random;
}

/* The distance of two texts, of which the second is at most LONG letters long. */
static __attribute__((noinline)) uint32_t distance(const uint8_t *x, uint32_t x_length, const uint8_t *y, uint32_t y_length)
{
    /* row[j] is the distance of the first i letters of x and the first j letters of y. */
    for (uint32_t j = 0; j <= y_length; j++)
        row[j] = j;

    for (uint32_t i = 0; i < x_length; i++) {
        uint8_t letter = x[i];
        uint32_t diagonal = row[0];
        uint32_t left = i + 1;
        row[0] = left;
        for (uint32_t j = 0; j < y_length; j++) {
            uint32_t above = row[j + 1];
            uint32_t replaced = diagonal + (letter != y[j]);
            left = minimum(minimum(left, above) + 1, replaced);
            row[j + 1] = left;
            diagonal = above;
        }
    }
    return row[y_length];
}

uint32_t kernel(void)
{
    uint32_t random = fill(long_text, LONG, 1);
    fill(short_text, SHORT, random);
    uint32_t checksum = distance(long_text, LONG, short_text, SHORT);
    return checksum * 31 + distance(short_text, SHORT, long_text, LONG);
}
