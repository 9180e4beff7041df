/*
 * Draws a picture of plasma as a pixel shader does, in Q16.16 fixed-point numbers: value noise of three sizes bends waves of
 * sines.
 *
 * Input: 48 by 32 pixels. Their colors are folded into a checksum.
 *
 * Trust: the same arithmetic on integers of any size in another language gives the same checksum. The sine is a polynomial that
 * is at most 0.0002 off.
 */

#include <stdint.h>

#define WIDTH 48
#define HEIGHT 32
#define OCTAVES 3

#define FIXED(x) ((int32_t)((x) * 65536))

/* The product, rounded down. */
static inline int32_t multiply(int32_t x, int32_t y)
{
    return (int32_t)((int64_t)x * y >> 16);
}

/* x at 0.0, y at 1.0, and on a line between them. */
static inline int32_t mix(int32_t x, int32_t y, int32_t part)
{
    return x + multiply(y - x, part);
}

/* Goes smoothly from 0.0 to 1.0: 3x^2 - 2x^3. */
static inline int32_t fade(int32_t x)
{
    return multiply(multiply(x, x), FIXED(3.0) - 2 * x);
}

/* Numbers without a pattern, from 0.0 to just below 1.0, for the points of a grid. */
static __attribute__((noinline)) int32_t random_at(uint32_t column, uint32_t row)
{
    uint32_t hash = column * 0x8da6b343 + row * 0xd8163841;
    hash ^= hash >> 15;
    hash *= 0x2c1b3c6d;
    hash ^= hash >> 12;
    return (int32_t)(hash >> 16);
}

/* The numbers of a grid, and smoothly from one to the next between its points. */
static __attribute__((noinline)) int32_t noise(int32_t x, int32_t y)
{
    uint32_t column = (uint32_t)(x >> 16);
    uint32_t row = (uint32_t)(y >> 16);
    int32_t right = fade(x & 0xffff);
    int32_t down = fade(y & 0xffff);
    int32_t above = mix(random_at(column, row), random_at(column + 1, row), right);
    int32_t below = mix(random_at(column, row + 1), random_at(column + 1, row + 1), right);
    return mix(above, below, down);
}

/* The sum of noise of several sizes, each half as large and as strong as the one before. */
static __attribute__((noinline)) int32_t turbulence(int32_t x, int32_t y)
{
    int32_t sum = 0;
    for (uint32_t octave = 0; octave < OCTAVES; octave++) {
        sum += noise(x, y) >> octave;
        x *= 2;
        y *= 2;
    }
    return sum;
}

/* The sine of a number of full turns. */
static __attribute__((noinline)) int32_t sine(int32_t turns)
{
    /* Quarter turns: from -2.0 to 2.0, and then those from -1.0 to 1.0 that have the same sine. */
    int32_t x = (int32_t)((uint32_t)turns << 16) >> 14;
    if (x > FIXED(1.0))
        x = FIXED(2.0) - x;
    else if (x < FIXED(-1.0))
        x = FIXED(-2.0) - x;

    int32_t xx = multiply(x, x);
    int32_t sum = FIXED(0.64171) - multiply(xx, FIXED(0.07147));
    sum = FIXED(1.57024) - multiply(xx, sum);
    return multiply(x, sum);
}

/* A wave as a color from 0 to 255. */
static inline uint32_t color(int32_t wave)
{
    return (uint32_t)(wave + FIXED(1.0)) * 255 >> 17;
}

/* The color of a pixel: red, green and blue in a byte each. */
static __attribute__((noinline)) uint32_t shade(int32_t x, int32_t y)
{
    int32_t bend = turbulence(3 * x, 3 * y);
    uint32_t red = color(sine(x + bend));
    uint32_t green = color(sine(y + bend + FIXED(0.33)));
    uint32_t blue = color(sine(multiply(x, y) - bend));
    return red << 16 | green << 8 | blue;
}

uint32_t kernel(void)
{
    uint32_t checksum = 0;
    int32_t y = 0;
    for (uint32_t row = 0; row < HEIGHT; row++) {
        int32_t x = 0;
        for (uint32_t column = 0; column < WIDTH; column++) {
            checksum = checksum * 31 + shade(x, y);
            x += FIXED(0.03125);
        }
        y += FIXED(0.03125);
    }
    return checksum;
}
