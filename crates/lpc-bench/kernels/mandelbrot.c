/*
 * Computes a picture of the Mandelbrot set in Q16.16 fixed-point numbers: after how many steps z = z * z + c leaves the circle
 * of radius 2, for each point c of a grid.
 *
 * Input: 60 by 40 points from -2.0 to 0.58 and from -1.0 to 0.95, at most 50 steps each; 48,684 steps in all. The numbers of
 * steps are folded into a checksum.
 *
 * Trust: the same arithmetic on integers of any size in another language gives the same checksum.
 */

#include <stdint.h>

#define WIDTH 60
#define HEIGHT 40
#define STEPS 50

#define FIXED(x) ((int32_t)((x) * 65536))

/* The product, rounded down. */
static inline int32_t multiply(int32_t x, int32_t y)
{
    return (int32_t)((int64_t)x * y >> 16);
}

/* After how many steps, of at most STEPS, the point leaves the circle. */
static __attribute__((noinline)) uint32_t escape_time(int32_t real, int32_t imaginary)
{
    int32_t x = 0;
    int32_t y = 0;
    for (uint32_t step = 0; step < STEPS; step++) {
        int32_t xx = multiply(x, x);
        int32_t yy = multiply(y, y);
        if (xx + yy >= FIXED(4.0))
            return step;
        y = 2 * multiply(x, y) + imaginary;
        x = xx - yy + real;
    }
    return STEPS;
}

uint32_t kernel(void)
{
    uint32_t checksum = 0;
    int32_t imaginary = FIXED(-1.0);
    for (uint32_t row = 0; row < HEIGHT; row++) {
        int32_t real = FIXED(-2.0);
        for (uint32_t column = 0; column < WIDTH; column++) {
            checksum = checksum * 31 + escape_time(real, imaginary);
            real += FIXED(0.04375);
        }
        imaginary += FIXED(0.05);
    }
    return checksum;
}
