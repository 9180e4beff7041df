/*
 * Quicksort after Hoare: partitions around the item in the middle, sorts the smaller part by recursion, and goes on with the
 * larger one.
 *
 * Input: 4096 items from a linear congruential generator, negative ones too.
 *
 * Trust: afterwards every item is at least as large as the one before it, and their sum is what it was; the result is 0 if
 * not. The checksum is made of the sorted items.
 */

#include <stdint.h>

#define COUNT 4096

static int32_t items[COUNT];

/* Writes the items and returns their sum. */
static __attribute__((noinline)) uint32_t write_items(void)
{
    uint32_t random = 1;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        random = random * 1664525 + 1013904223;
        items[i] = (int32_t)random;
        sum += random;
    }
    return sum;
}

/* Sorts the items from the first to the last, which is one of them. */
static __attribute__((noinline)) void sort(int32_t *first, int32_t *last)
{
    while (first < last) {
        int32_t pivot = first[(uint32_t)(last - first) / 2];
        int32_t *low = first;
        int32_t *high = last;
        do {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                int32_t item = *low;
                *low++ = *high;
                *high-- = item;
            }
        } while (low <= high);

        if (high - first < last - low) {
            sort(first, high);
            first = low;
        } else {
            sort(low, last);
            last = high;
        }
    }
}

/* A checksum of the items, or 0 if they are not in order or do not have this sum. */
static __attribute__((noinline)) uint32_t check(uint32_t sum)
{
    int32_t before = items[0];
    uint32_t checksum = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        int32_t item = items[i];
        if (item < before)
            return 0;
        before = item;
        sum -= (uint32_t)item;
        checksum = checksum * 31 + (uint32_t)item;
    }
    return sum == 0 ? checksum : 0;
}

uint32_t kernel(void)
{
    uint32_t sum = write_items();
    sort(items, items + COUNT - 1);
    return check(sum);
}
