/* Calls functions on the processor that it runs on, and says what became of each call.
 *
 * It knows nothing of calls. What it reads from standard input are programs, which it puts where they say, one after the
 * other, and for each of them the registers and the part of the stack that calls are to find. What it writes to standard output
 * is the signal that ended each call, the registers then, and the memory that the call may have changed. All numbers are
 * little-endian words.
 *
 *   input    programs: struct program, image, calls: struct call, stack;  a program at address 0 ends
 *   output   for each call: struct outcome, stack, data
 *
 *   MEMORY      stack: readable and writable
 *   STACK_TOP   code: readable and executable; read-only data: readable; other data: readable and writable
 *   MEMORY_END
 *
 * Nothing else is mapped but this program, which is at an address that no program knows. So a call ends with a signal: at the return
 * address, where nothing is, or at a trap. It starts by returning from the handler of the signal that ended the one before, as only
 * that sets all registers and the pc at once. The handler has a stack of its own.
 *
 *   handler ─ sigreturn ─► call ─ signal ─► handler ─ sigreturn ─► call ...
 */

typedef unsigned int word;
typedef unsigned char byte;

/* RUNNER, RUNNER_END, MEMORY, STACK_TOP, MEMORY_END and SECONDS are defined by the other side, in `mod.rs`. */

enum { REGISTERS = 31 }; /* x1 to x31 */

struct program {
    word image;      /* where it starts; 0 at the end of the input */
    word read_only;  /* where the code ends */
    word data;       /* where data start that can be written to */
    word bytes_end;  /* where the bytes of the image end, behind which are zeros */
    word end;        /* where the image ends */
    word calls;      /* how many calls follow */
};

struct call {
    word pc;
    word registers[REGISTERS];
    word stack; /* where the part of the stack starts that is given; it ends at STACK_TOP */
};

struct outcome {
    word signal;
    word pc;
    word registers[REGISTERS];
};

/* Linux, generic system call table, 32-bit RISC-V. */
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 93, SYS_SETITIMER = 103, SYS_SIGALTSTACK = 132,
       SYS_SIGACTION = 134, SYS_MUNMAP = 215, SYS_MMAP = 222, SYS_MPROTECT = 226 };
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGSEGV = 11, SIGALRM = 14 };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };

/* Flags, link, stack and signal mask with room to grow; then, aligned to 16, pc and registers. */
struct context { byte before[160]; word pc; word registers[REGISTERS]; };

static struct program program;
static struct call call;
static word calls_left;
static byte data[MEMORY_END - STACK_TOP]; /* the first content of the data of the program */
static byte stack[0x4000] __attribute__((aligned(16)));
static byte signal_stack[0x4000] __attribute__((aligned(16)));

static word system_call(word number, word a, word b, word c, word d, word e, word f)
{
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    register word a4 __asm__("a4") = e;
    register word a5 __asm__("a5") = f;
    register word a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}

static void check(word result)
{
    if ((int)result < 0 && (int)result > -4096)
        system_call(SYS_EXIT, 2, 0, 0, 0, 0, 0);
}

static void read_all(void *to, word length)
{
    for (byte *at = to; length > 0;) {
        word got = system_call(SYS_READ, 0, (word)at, length, 0, 0, 0);
        check(got);
        if (got == 0)
            system_call(SYS_EXIT, 3, 0, 0, 0, 0, 0);
        at += got;
        length -= got;
    }
}

static void write_all(const void *from, word length)
{
    for (const byte *at = from; length > 0;) {
        word put = system_call(SYS_WRITE, 1, (word)at, length, 0, 0, 0);
        check(put);
        at += put;
        length -= put;
    }
}

static void copy(byte *to, const byte *from, word length)
{
    for (word i = 0; i < length; i++)
        to[i] = from[i];
}

static void protect(word start, word end, word protection)
{
    if (start < end)
        check(system_call(SYS_MPROTECT, start, end - start, protection, 0, 0, 0));
}

/* Ends a call that does not end. */
static void start_watchdog(void)
{
    word interval_and_value[4] = {0, 0, SECONDS, 0};
    check(system_call(SYS_SETITIMER, 0, (word)interval_and_value, 0, 0, 0, 0));
}

static void next_program(void)
{
    read_all(&program, sizeof program);
    if (program.image == 0)
        system_call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
    protect(STACK_TOP, MEMORY_END, PROT_READ | PROT_WRITE);
    read_all((void *)program.image, program.bytes_end - program.image);
    for (word at = program.bytes_end; at < program.end; at++)
        *(volatile byte *)at = 0;
    copy(data, (byte *)program.data, program.end - program.data);
    protect(program.image, program.read_only, PROT_READ | PROT_EXEC);
    protect(program.read_only, program.data, PROT_READ);
    calls_left = program.calls;
    start_watchdog();
}

static void next_call(struct context *context)
{
    while (calls_left == 0)
        next_program();
    calls_left--;
    read_all(&call, sizeof call);
    read_all((void *)call.stack, STACK_TOP - call.stack);
    copy((byte *)program.data, data, program.end - program.data);
    context->pc = call.pc;
    for (word i = 0; i < REGISTERS; i++)
        context->registers[i] = call.registers[i];
}

static void record(word signal, const struct context *context)
{
    struct outcome outcome;
    outcome.signal = signal;
    outcome.pc = context->pc;
    for (word i = 0; i < REGISTERS; i++)
        outcome.registers[i] = context->registers[i];
    write_all(&outcome, sizeof outcome);
    write_all((void *)call.stack, STACK_TOP - call.stack);
    write_all((void *)program.data, program.end - program.data);
}

/* Called for each signal; the first is the breakpoint in `start`. */
__attribute__((used)) static void handle(int signal, void *info, struct context *context)
{
    static word is_started;
    (void)info;
    if (is_started)
        record(signal, context);
    is_started = 1;
    next_call(context);
}

/* A handler with `handle` inside that returns by itself: the page with the usual code for that is gone. */
__attribute__((naked)) static void handler(void)
{
    __asm__ volatile("mv s0, sp\n"
                     ".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "call handle\n"
                     "mv sp, s0\n"
                     "li a7, 139\n" /* sigreturn */
                     "ecall\n");
}

static void unmap(word address, word end)
{
    check(system_call(SYS_MUNMAP, address, end - address, 0, 0, 0, 0));
}

static void handle_signals(void)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGALRM};
    word alternate[3] = {(word)signal_stack, 0, sizeof signal_stack};
    /* Handler, flags, mask of 64 signals: all are blocked while the handler runs. */
    word action[4] = {(word)handler, SA_SIGINFO | SA_ONSTACK, -1, -1};
    check(system_call(SYS_SIGALTSTACK, (word)alternate, 0, 0, 0, 0, 0));
    for (word i = 0; i < sizeof signals / sizeof signals[0]; i++)
        check(system_call(SYS_SIGACTION, signals[i], (word)action, 0, 8, 0, 0));
}

__attribute__((used)) static void start(void)
{
    unmap(0x10000, RUNNER);
    unmap(RUNNER_END, 0xfffff000);
    check(system_call(SYS_MMAP, MEMORY, MEMORY_END - MEMORY, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
    handle_signals();
    __asm__ volatile("ebreak");
}

__attribute__((naked)) void _start(void)
{
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "la sp, %0\n"
                     "call start\n" : : "i"(stack + sizeof stack));
}
