/* Calls a function of divide.clif, which traps the second time. */
#include <stdio.h>

int divide(int a, int b);

int main(void) {
    printf("%d\n", divide(10, 3));
    return divide(1, 0);
}
