/*
 * Factors 64-bit numbers by Pollard's rho method in Brent's variant: a sequence x = x * x + 1 modulo n runs into a cycle
 * modulo a prime factor of n long before it does modulo n, and the difference of two of its members is then a multiple of that
 * factor. Differences are multiplied together, and the greatest common divisor with n is taken once for 64 of them.
 *
 * Multiplication modulo n is Montgomery's, which divides by nothing: it gives x * y / 2^64 modulo n. The factor 1 / 2^64 only
 * makes the sequence another one.
 *
 * Input: three products of two primes, which take 14,720 multiplications. The factors are folded into a checksum.
 *
 * Trust: each factor divides its number, and is the lesser prime.
 */

#include <stdint.h>

#define NUMBERS 3
#define BATCH 64

static const uint64_t numbers[NUMBERS] = {
    576460752303423487,   /* 2^59 - 1 = 179951 * 3203431780337 */
    11111111111111111,    /* 2071723 * 5363222357 */
    18446744073709551287u /* 2^64 - 329 = 1813739 * 10170561516133 */
};

/* The upper half of the product, from four products of halves. */
static inline uint64_t multiply_high(uint64_t x, uint64_t y)
{
    uint32_t x0 = (uint32_t)x, x1 = (uint32_t)(x >> 32);
    uint32_t y0 = (uint32_t)y, y1 = (uint32_t)(y >> 32);
    uint64_t low = (uint64_t)x0 * y0;
    uint64_t middle = (uint64_t)x1 * y0 + (low >> 32);
    uint64_t other = (uint64_t)x0 * y1 + (uint32_t)middle;
    return (uint64_t)x1 * y1 + (middle >> 32) + (other >> 32);
}

/* x * y / 2^64 modulo n, where x and y are less than n, and the product of n and `inverse` is 1 modulo 2^64. */
static __attribute__((noinline)) uint64_t multiply(uint64_t x, uint64_t y, uint64_t n, uint64_t inverse)
{
    uint64_t high = multiply_high(x, y);
    uint64_t multiple = multiply_high(x * y * inverse, n);
    uint64_t difference = high - multiple;
    return high < multiple ? difference + n : difference;
}

/* The next member of the sequence. */
static inline uint64_t next(uint64_t x, uint64_t n, uint64_t inverse)
{
    uint64_t successor = multiply(x, x, n, inverse) + 1;
    return successor == n ? 0 : successor;
}

static inline uint64_t distance(uint64_t x, uint64_t y)
{
    return x < y ? y - x : x - y;
}

/* The greatest common divisor of any number and an odd one, by subtractions. */
static __attribute__((noinline)) uint64_t greatest_common_divisor(uint64_t x, uint64_t odd)
{
    while (x != 0) {
        while ((x & 1) == 0)
            x >>= 1;
        if (x < odd) {
            uint64_t swapped = x;
            x = odd;
            odd = swapped;
        }
        x -= odd;
    }
    return odd;
}

/* A factor of an odd number that is not prime. */
static __attribute__((noinline)) uint64_t find_factor(uint64_t n)
{
    /* Each step doubles the number of low bits in which n * inverse is 1. There are three at first. */
    uint64_t inverse = n;
    for (uint32_t bits = 3; bits < 64; bits *= 2)
        inverse *= 2 - n * inverse;

    uint64_t x = 2;
    uint64_t product = 1;
    for (uint32_t length = BATCH;; length *= 2) {
        uint64_t anchor = x;
        for (uint32_t done = 0; done < length; done += BATCH) {
            for (uint32_t i = 0; i < BATCH; i++) {
                x = next(x, n, inverse);
                product = multiply(product, distance(anchor, x), n, inverse);
            }
            uint64_t factor = greatest_common_divisor(product, n);
            if (factor != 1)
                return factor;
        }
    }
}

uint32_t kernel(void)
{
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        uint64_t factor = find_factor(numbers[i]);
        checksum = checksum * 31 + (uint32_t)(factor ^ (factor >> 32));
    }
    return checksum;
}
