/* A program with a library, which ends with a status. */
#include <stdio.h>

int answer(int number) {
    return number + 42;
}

int main(void) {
    printf("the answer is %d, hex %x, long %lld, float %.2f\n", answer(0), answer(0), -1234567890123LL, 3.25);
    return 3;
}
