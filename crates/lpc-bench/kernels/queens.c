/*
 * Counts the ways to place as many queens as a board has rows so that none attacks another, by recursion over the rows with
 * three sets of columns as bit masks: those that hold a queen, and those that a queen attacks from above along each diagonal.
 *
 * Input: boards of 1, 2, ... 9 rows, which take 11,238 calls. The counts are folded into a checksum.
 *
 * Trust: the counts are the well-known 1, 0, 0, 2, 10, 4, 40, 92, 352.
 */

#include <stdint.h>

#define LARGEST_BOARD 9

/* The ways to place a queen in each of the remaining rows. `all` is the set of all columns. */
static __attribute__((noinline)) uint32_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    if (columns == all)
        return 1;

    uint32_t count = 0;
    uint32_t free = all & ~(columns | left | right);
    while (free != 0) {
        uint32_t queen = free & -free;
        free ^= queen;
        count += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return count;
}

uint32_t kernel(void)
{
    uint32_t checksum = 0;
    for (uint32_t rows = 1; rows <= LARGEST_BOARD; rows++) {
        uint32_t all = (1u << rows) - 1;
        checksum = checksum * 31 + place(all, 0, 0, 0);
    }
    return checksum;
}
