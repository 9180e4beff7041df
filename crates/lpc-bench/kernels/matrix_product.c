/*
 * The product of two matrices of 48 × 48 integers of 32 bits, by rows and columns. No sum overflows.
 *
 * Input: elements from -128 to 127 from a linear congruential generator.
 *
 * Trust: the product is applied to a vector, and so are the factors one after the other, which has to be the same; the result
 * is 0 if it is not. The checksum is made of the elements of the product.
 */

#include <stdint.h>

#define SIZE 48

static int32_t left[SIZE][SIZE];
static int32_t right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];

/* Writes elements and returns the state of the generator. */
static __attribute__((noinline)) uint32_t write_elements(int32_t *elements, uint32_t count, uint32_t random)
{
    for (uint32_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        elements[i] = (int32_t)random >> 24;
    }
    return random;
}

static __attribute__((noinline)) void multiply(void)
{
    for (uint32_t row = 0; row < SIZE; row++) {
        for (uint32_t column = 0; column < SIZE; column++) {
            int32_t sum = 0;
            for (uint32_t i = 0; i < SIZE; i++)
                sum += left[row][i] * right[i][column];
            product[row][column] = sum;
        }
    }
}

/* Applies a matrix to a vector. */
static __attribute__((noinline)) void apply(int32_t *result, int32_t (*matrix)[SIZE], const int32_t *vector)
{
    for (uint32_t row = 0; row < SIZE; row++) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < SIZE; i++)
            sum += matrix[row][i] * vector[i];
        result[row] = sum;
    }
}

uint32_t kernel(void)
{
    int32_t vector[SIZE];
    int32_t applied_right[SIZE];
    int32_t applied_both[SIZE];
    int32_t applied_product[SIZE];

    uint32_t random = write_elements(left[0], SIZE * SIZE, 1);
    random = write_elements(right[0], SIZE * SIZE, random);
    write_elements(vector, SIZE, random);
    multiply();

    apply(applied_right, right, vector);
    apply(applied_both, left, applied_right);
    apply(applied_product, product, vector);
    for (uint32_t i = 0; i < SIZE; i++) {
        if (applied_product[i] != applied_both[i])
            return 0;
    }

    uint32_t checksum = 0;
    for (uint32_t row = 0; row < SIZE; row++) {
        for (uint32_t column = 0; column < SIZE; column++)
            checksum = checksum * 31 + (uint32_t)product[row][column];
    }
    return checksum;
}
