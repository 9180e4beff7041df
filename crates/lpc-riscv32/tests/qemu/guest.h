/* A program without a library, under Linux on 32-bit RISC-V, in which code is executed that may do anything: its system calls,
 * and what sets all registers and the pc at once.
 *
 * Code is entered by returning from the handler of the signal that ended what was executed before: only that sets all registers.
 * The handler has a stack of its own. Who includes this defines two functions: `start`, which ends with a breakpoint, and
 * `handle`, which is called for each signal, the first of which is that breakpoint, with the context to go on in.
 *
 *   start ─ breakpoint ─► handler ─ sigreturn ─► code ─ signal ─► handler ─ sigreturn ─► code ...
 */

typedef unsigned int word;
typedef unsigned char byte;

enum { REGISTERS = 31 }; /* x1 to x31 */

/* Linux, generic system call table, 32-bit RISC-V. */
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 93, SYS_SETITIMER = 103, SYS_SIGALTSTACK = 132,
       SYS_SIGACTION = 134, SYS_SIGRETURN = 139, SYS_MUNMAP = 215, SYS_MMAP = 222, SYS_MPROTECT = 226 };
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGSEGV = 11, SIGALRM = 14 };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32 };

struct siginfo { int signal, error, code; word address; };
/* Flags, link, stack and signal mask with room to grow; then, aligned to 16, pc and registers. */
struct context { byte before[160]; word pc; word registers[REGISTERS]; };

static byte stack[0x4000] __attribute__((aligned(16)));
static byte signal_stack[0x4000] __attribute__((aligned(16)));

static void start(void);
static void handle(int signal, const struct siginfo *info, struct context *context);

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

/* Raises an alarm once, after this time; none if it is 0. */
static void set_timer(word seconds, word microseconds)
{
    word interval_and_value[4] = {0, 0, seconds, microseconds};
    check(system_call(SYS_SETITIMER, 0, (word)interval_and_value, 0, 0, 0, 0));
}

/* A handler with `handle` inside that returns by itself: the page with the usual code for that is gone. */
__attribute__((naked)) static void handler(void)
{
    __asm__ volatile("mv s0, sp\n"
                     ".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "call handle\n"
                     "mv sp, s0\n"
                     "li a7, 139\n" /* SYS_SIGRETURN */
                     "ecall\n");
}

static void map(word address, word length)
{
    check(system_call(SYS_MMAP, address, length, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
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

__attribute__((naked)) void _start(void)
{
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "la sp, %0\n"
                     "call start\n" : : "i"(stack + sizeof stack));
}
