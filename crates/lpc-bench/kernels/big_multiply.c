/*
 * Multiplies numbers of 40 words of 32 bits as on paper: each word of one factor times the other factor is added to the product.
 *
 * Input: two factors from a linear congruential generator. The upper half of each product is the first factor of the next
 * multiplication, of which there are 32. The words of the last product are folded into a checksum.
 *
 * Trust: integers of any size in another language give the same checksum.
 */

#include <stdint.h>

#define WORDS 40
#define MULTIPLICATIONS 32

static uint32_t x[WORDS];
static uint32_t y[WORDS];
static uint32_t product[2 * WORDS];

static inline uint32_t next_random(uint32_t state)
{
    return state * 1664525 + 1013904223;
}

/* Adds number * factor to the sum, whose word behind the last of these gets the carry. */
static __attribute__((noinline)) void multiply_add(uint32_t *sum, const uint32_t *number, uint32_t factor)
{
    uint32_t carry = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
        uint64_t word = (uint64_t)number[i] * factor + sum[i] + carry;
        sum[i] = (uint32_t)word;
        carry = (uint32_t)(word >> 32);
    }
    sum[WORDS] = carry;
}

/* product = x * y */
static __attribute__((noinline)) void multiply(void)
{
    for (uint32_t i = 0; i < WORDS; i++)
        product[i] = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        multiply_add(&product[i], x, y[i]);
}

uint32_t kernel(void)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < WORDS; i++) {
        random = next_random(random);
        x[i] = random;
        random = next_random(random);
        y[i] = random;
    }

    for (uint32_t n = 0; n < MULTIPLICATIONS; n++) {
        multiply();
        for (uint32_t i = 0; i < WORDS; i++)
            x[i] = product[WORDS + i];
    }

    uint32_t checksum = 0;
    for (uint32_t i = 0; i < 2 * WORDS; i++)
        checksum = checksum * 31 + product[i];
    return checksum;
}
