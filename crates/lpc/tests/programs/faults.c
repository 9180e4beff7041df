/* A program that stores to where there is no memory. */
int *volatile nowhere = (int *)16;

__attribute__((noinline)) void fault(int value) {
    int *address = nowhere;

    *address = value;
}

void _start(void) {
    fault(1);
    for (;;)
        ;
}
