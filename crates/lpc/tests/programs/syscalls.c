/* A program without any library: the stack at the start, data, and system calls. */
static long system_call(long number, long a, long b, long c) {
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}

static void print(const char *text) {
    long length = 0;
    while (text[length])
        length++;
    system_call(64, 1, (long)text, length);
}

int initialized[2] = {3, 4};
int zeroed[1000];
const char *const names[] = {"initialized ", "zero\n", "wrong\n"};

__attribute__((used)) static void start(long *stack) {
    print(names[initialized[1] == 4 ? 0 : 2]);
    print(names[zeroed[999] == 0 ? 1 : 2]);
    char **argv = (char **)(stack + 1);
    print(stack[0] == 2 ? argv[1] : "wrong");
    print("\n");
    char *heap = (char *)system_call(214, 0, 0, 0);
    if (system_call(214, (long)(heap + 4096), 0, 0) == (long)(heap + 4096)) {
        heap[0] = 'h';
        heap[1] = 'e';
        heap[2] = 'a';
        heap[3] = 'p';
        heap[4] = '\n';
        print(heap);
    }
    long aligned = ((long)stack & 15) == 0;
    system_call(94, 10 + 7 * aligned, 0, 0);
}

__attribute__((naked)) void _start(void) {
    __asm__ volatile("mv a0, sp\n\ttail start");
}
