/*
 * Finite impulse response filters on samples of 16 bits, with coefficients in Q15 and sums of 32 bits: the sum is rounded,
 * shifted back, and saturated.
 *
 * Input: 2048 samples from a linear congruential generator, through a low-pass filter of 32 coefficients and then a high-pass
 * filter of 15, with as many zeros before the first sample as a filter looks back.
 *
 * Trust: the answer of the low-pass filter to an impulse of a half has to be the halves of its coefficients; the result is 0 if
 * it is not. The checksum is made of the filtered samples, and is what the definition of a filter gives in Python.
 */

#include <stdint.h>

#define SAMPLES 2048
#define LOW_PASS_LENGTH 32
#define HIGH_PASS_LENGTH 15

/* The longest history, and samples. */
static int16_t input[LOW_PASS_LENGTH - 1 + SAMPLES];
static int16_t middle[HIGH_PASS_LENGTH - 1 + SAMPLES];
static int16_t output[SAMPLES];

/* Triangles: the sum of the absolute values is at most 32768. */
static const int16_t low_pass[LOW_PASS_LENGTH] = {
    120, 240, 360, 480, 600, 720, 840, 960, 1080, 1200, 1320, 1440, 1560, 1680, 1800, 1920,
    1920, 1800, 1680, 1560, 1440, 1320, 1200, 1080, 960, 840, 720, 600, 480, 360, 240, 120,
};

static const int16_t high_pass[HIGH_PASS_LENGTH] = {
    -256, -512, -768, -1024, -1280, -1536, -1792, 16128, -1792, -1536, -1280, -1024, -768, -512, -256,
};

static __attribute__((noinline)) void clear(int16_t *samples, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        samples[i] = 0;
}

static __attribute__((noinline)) void write_samples(int16_t *samples, uint32_t count)
{
    uint32_t random = 1;
    for (uint32_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        samples[i] = (int16_t)(random >> 16);
    }
}

/* Filters samples; before the first of them in memory are those that the filter looks back to, one less than coefficients. */
static __attribute__((noinline)) void filter(int16_t *filtered, const int16_t *samples, uint32_t count,
                                             const int16_t *coefficients, uint32_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        const int16_t *sample = samples + i;
        int32_t sum = 1 << 14;
        for (uint32_t k = 0; k < length; k++)
            sum += coefficients[k] * *sample--;
        sum >>= 15;
        if (sum > INT16_MAX)
            sum = INT16_MAX;
        if (sum < INT16_MIN)
            sum = INT16_MIN;
        filtered[i] = (int16_t)sum;
    }
}

uint32_t kernel(void)
{
    int16_t *samples = input + LOW_PASS_LENGTH - 1;

    clear(input, LOW_PASS_LENGTH - 1 + LOW_PASS_LENGTH);
    samples[0] = 1 << 14;
    filter(output, samples, LOW_PASS_LENGTH, low_pass, LOW_PASS_LENGTH);
    for (uint32_t i = 0; i < LOW_PASS_LENGTH; i++) {
        if (output[i] != low_pass[i] >> 1)
            return 0;
    }

    write_samples(samples, SAMPLES);
    clear(middle, HIGH_PASS_LENGTH - 1);
    filter(middle + HIGH_PASS_LENGTH - 1, samples, SAMPLES, low_pass, LOW_PASS_LENGTH);
    filter(output, middle + HIGH_PASS_LENGTH - 1, SAMPLES, high_pass, HIGH_PASS_LENGTH);
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        checksum = checksum * 31 + (uint32_t)output[i];
    return checksum;
}
