/* Executes instructions one by one on the processor that it runs on, and says what became of each.
 *
 * It knows nothing of instructions. What it reads from standard input are encodings, each with the
 * place where it is to stand and the registers that it is to find; what it writes to standard
 * output is the signal that ended its execution, the registers then, and the words of the scratch
 * memory that changed. All numbers are little-endian words.
 *
 *   input    fill, scratch memory, then batches: count, cases; a count of 0 ends
 *   output   for each case an outcome
 *
 *   SCRATCH   readable and writable
 *   CODE      readable and executable: `fill` but for the cases of the batch
 *
 * `fill` is a breakpoint, so that control ends where it arrives. Nothing else is mapped but this
 * program, whose addresses the registers must not name.
 *
 * A case is entered by returning from the handler of the signal that ended the one before: only
 * that sets all registers and the pc at once. The handler has a stack of its own.
 *
 *   batch ─► handler ─ sigreturn ─► case ─ signal ─► handler ─ sigreturn ─► case ...
 */

typedef unsigned int word;
typedef unsigned char byte;

/* PROGRAM, PROGRAM_END, SCRATCH, SCRATCH_WORDS, CODE, CODE_SIZE and MAX_BATCH are defined by the other
 * side, in `judge.rs`. */

enum { REGISTERS = 31 }; /* x1 to x31 */

struct test_case {
    word pc;
    word bits[2];
    word length;  /* of `bits` in bytes: 2, 4 or 8 */
    word endless; /* whether only a timer ends it */
    word registers[REGISTERS];
};

struct outcome {
    word signal, code, address;
    word pc;
    word registers[REGISTERS];
    word changed;                   /* how many words of the scratch memory */
    struct { word index, value; } change[2]; /* the first of them */
};

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

static struct test_case cases[MAX_BATCH];
static struct outcome outcomes[MAX_BATCH];
static word scratch[SCRATCH_WORDS]; /* what the scratch memory holds before each case */
static word fill;
static word count, current;
static byte stack[0x4000] __attribute__((aligned(16)));
static byte signal_stack[0x4000] __attribute__((aligned(16)));

static word call(word number, word a, word b, word c, word d, word e, word f)
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
        call(SYS_EXIT, 2, 0, 0, 0, 0, 0);
}

static void read_all(void *to, word length)
{
    for (byte *at = to; length > 0;) {
        word got = call(SYS_READ, 0, (word)at, length, 0, 0, 0);
        check(got);
        if (got == 0)
            call(SYS_EXIT, 3, 0, 0, 0, 0, 0);
        at += got;
        length -= got;
    }
}

static void write_all(const void *from, word length)
{
    for (const byte *at = from; length > 0;) {
        word put = call(SYS_WRITE, 1, (word)at, length, 0, 0, 0);
        check(put);
        at += put;
        length -= put;
    }
}

static void protect_code(word protection)
{
    check(call(SYS_MPROTECT, CODE, CODE_SIZE, protection, 0, 0, 0));
}

static void place(word pc, const word *bits, word length)
{
    unsigned short *at = (unsigned short *)pc;
    for (word i = 0; i < length / 2; i++)
        at[i] = bits[i / 2] >> (i % 2 * 16);
}

/* Removes a case: `fill`, of which a case may start in the middle. */
static void remove(const struct test_case *test)
{
    word rotated = test->pc & 2 ? fill >> 16 | fill << 16 : fill;
    word bits[2] = {rotated, rotated};
    place(test->pc, bits, test->length);
}

static void next_batch(void)
{
    read_all(&count, 4);
    if (count == 0)
        call(SYS_EXIT, 0, 0, 0, 0, 0, 0);
    protect_code(PROT_READ | PROT_WRITE);
    for (word i = 0; i < MAX_BATCH; i++)
        remove(&cases[i]);
    read_all(cases, count * sizeof cases[0]);
    for (word i = 0; i < count; i++)
        place(cases[i].pc, cases[i].bits, cases[i].length);
    protect_code(PROT_READ | PROT_EXEC);
    current = 0;
}

/* Raises an alarm once, after this time; none if it is 0. */
static void set_timer(word seconds, word microseconds)
{
    word interval_and_value[4] = {0, 0, seconds, microseconds};
    check(call(SYS_SETITIMER, 0, (word)interval_and_value, 0, 0, 0, 0));
}

/* For a case that ends by itself this is far too long, unless it does not end. */
static void start_watchdog(void)
{
    set_timer(20, 0);
}

static void start_short_timer(void)
{
    set_timer(0, 5000);
}

static void compare_scratch(struct outcome *outcome)
{
    volatile word *memory = (volatile word *)SCRATCH;
    outcome->changed = 0;
    outcome->change[0].index = outcome->change[0].value = 0;
    outcome->change[1].index = outcome->change[1].value = 0;
    for (word i = 0; i < SCRATCH_WORDS; i++) {
        word value = memory[i];
        if (value == scratch[i])
            continue;
        if (outcome->changed < 2) {
            outcome->change[outcome->changed].index = i;
            outcome->change[outcome->changed].value = value;
        }
        outcome->changed++;
        memory[i] = scratch[i];
    }
}

static void record(const struct siginfo *info, const struct context *context)
{
    struct outcome *outcome = &outcomes[current];
    outcome->signal = info->signal;
    outcome->code = info->code;
    outcome->address = info->address;
    outcome->pc = context->pc;
    for (word i = 0; i < REGISTERS; i++)
        outcome->registers[i] = context->registers[i];
    compare_scratch(outcome);
    current++;
}

/* Called for each signal; the first is the breakpoint in `start`. */
__attribute__((used)) static void handle(int signal, const struct siginfo *info, struct context *context)
{
    static word is_started, alarms;
    if (is_started) {
        word is_endless = cases[current].endless;
        /* The first alarm may come too early: in front of the case. */
        if (is_endless && signal == SIGALRM && alarms++ == 0) {
            start_short_timer();
            return;
        }
        record(info, context);
        if (is_endless)
            start_watchdog();
    }
    is_started = 1;
    if (current == count) {
        set_timer(0, 0);
        write_all(outcomes, count * sizeof outcomes[0]);
        next_batch();
        start_watchdog();
    }
    const struct test_case *test = &cases[current];
    context->pc = test->pc;
    for (word i = 0; i < REGISTERS; i++)
        context->registers[i] = test->registers[i];
    if (test->endless) {
        alarms = 0;
        start_short_timer();
    }
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
    check(call(SYS_MMAP, address, length, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
}

static void unmap(word address, word end)
{
    check(call(SYS_MUNMAP, address, end - address, 0, 0, 0, 0));
}

static void handle_signals(void)
{
    static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGSEGV, SIGALRM};
    word alternate[3] = {(word)signal_stack, 0, sizeof signal_stack};
    /* Handler, flags, mask of 64 signals: all are blocked while the handler runs. */
    word action[4] = {(word)handler, SA_SIGINFO | SA_ONSTACK, -1, -1};
    check(call(SYS_SIGALTSTACK, (word)alternate, 0, 0, 0, 0, 0));
    for (word i = 0; i < sizeof signals / sizeof signals[0]; i++)
        check(call(SYS_SIGACTION, signals[i], (word)action, 0, 8, 0, 0));
}

__attribute__((used)) static void start(void)
{
    unmap(0x10000, PROGRAM);
    unmap(PROGRAM_END, SCRATCH);
    unmap(CODE + CODE_SIZE, 0xfffff000);
    map(SCRATCH, 4 * SCRATCH_WORDS);
    map(CODE, CODE_SIZE);
    read_all(&fill, 4);
    read_all(scratch, sizeof scratch);
    for (word i = 0; i < SCRATCH_WORDS; i++)
        ((volatile word *)SCRATCH)[i] = scratch[i];
    for (word i = 0; i < CODE_SIZE; i += 4)
        *(volatile word *)(CODE + i) = fill;
    handle_signals();
    __asm__ volatile("ebreak");
}

__attribute__((naked)) void _start(void)
{
    __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                     "la sp, %0\n"
                     "call start\n" : : "i"(stack + sizeof stack));
}
