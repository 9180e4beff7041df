/*
 * The sieve of Eratosthenes, with a byte for each number.
 *
 * Input: the numbers below 50,000.
 *
 * Trust: there are 5133 primes below 50,000, and the largest is 49,999. The result is the number of primes in the high half and
 * the largest in the low half: 0x140dc34f.
 */

#include <stdint.h>

#define LIMIT 50000

/* Not zero for the multiple of a smaller prime. */
static uint8_t composite[LIMIT];

static __attribute__((noinline)) void clear(uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = 0;
}

/* Marks the multiples of all primes whose square is below the limit. */
static __attribute__((noinline)) void mark(void)
{
    for (uint32_t number = 2; number * number < LIMIT; number++) {
        if (composite[number])
            continue;
        for (uint32_t multiple = number * number; multiple < LIMIT; multiple += number)
            composite[multiple] = 1;
    }
}

static __attribute__((noinline)) uint32_t count_primes(void)
{
    uint32_t count = 0;
    uint32_t largest = 0;
    for (uint32_t number = 2; number < LIMIT; number++) {
        if (!composite[number]) {
            count++;
            largest = number;
        }
    }
    return count << 16 | largest;
}

uint32_t kernel(void)
{
    clear(composite, LIMIT);
    mark();
    return count_primes();
}
