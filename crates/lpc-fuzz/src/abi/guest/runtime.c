// The program that runs the cases and compares what their functions have written down.
//
// It writes lines to the standard output:
//
//     case INDEX                         the case starts
//     word INDEX EXPECTED FOUND          a word of its trace is wrong
//     words EXPECTED FOUND               its trace has another length
//     registers FUNCTION MASK            a function did not preserve registers; see checked_call
//     done                               all cases were run
//
// Numbers are hexadecimal.

typedef unsigned char u8;
typedef unsigned int u32;

struct entry {
    void (*run)(void);
    const u32 *expected;
    u32 words;
    u32 fuel;
};

extern const struct entry cases[];
extern const u32 case_count;

enum { TRACE_WORDS = 1 << 18, MOST_DIFFERENCES = 32, UNTOUCHED = 0xdeadbeef };

u32 trace[TRACE_WORDS] __attribute__((aligned(16)));
u32 *trace_next;
u32 fuel;
u32 violation_function;
u32 violation_mask;

static char text[128];
static u32 length;

static u32 system_call(u32 number, u32 first, u32 second, u32 third) {
    register u32 a0 __asm__("a0") = first;
    register u32 a1 __asm__("a1") = second;
    register u32 a2 __asm__("a2") = third;
    register u32 a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}

static void put(const char *word) {
    while (*word)
        text[length++] = *word++;
}

static void put_number(u32 number) {
    text[length++] = ' ';
    for (int shift = 28; shift >= 0; shift -= 4)
        text[length++] = "0123456789abcdef"[number >> shift & 15];
}

static void end_line(void) {
    text[length++] = '\n';
    system_call(64, 1, (u32)text, length);
    length = 0;
}

static void compare(const struct entry *entry) {
    u32 found = trace_next - trace;
    if (found != entry->words) {
        put("words");
        put_number(entry->words);
        put_number(found);
        end_line();
    }
    u32 differences = 0;
    for (u32 index = 0; index < entry->words && differences < MOST_DIFFERENCES; index++) {
        if (trace[index] != entry->expected[index]) {
            put("word");
            put_number(index);
            put_number(entry->expected[index]);
            put_number(trace[index]);
            end_line();
            differences++;
        }
    }
    if (violation_mask) {
        put("registers");
        put_number(violation_function);
        put_number(violation_mask);
        end_line();
    }
}

void run_cases(void) {
    for (u32 index = 0; index < case_count; index++) {
        const struct entry *entry = &cases[index];
        put("case");
        put_number(index);
        end_line();
        for (u32 word = 0; word < entry->words; word++)
            trace[word] = UNTOUCHED;
        trace_next = trace;
        fuel = entry->fuel;
        violation_mask = 0;
        entry->run();
        compare(entry);
    }
    put("done");
    end_line();
    system_call(93, 0, 0, 0);
}

// Compilers call these for structures.

void *memcpy(void *to, const void *from, u32 size) {
    for (u32 index = 0; index < size; index++)
        ((volatile u8 *)to)[index] = ((const u8 *)from)[index];
    return to;
}

void *memset(void *to, int value, u32 size) {
    for (u32 index = 0; index < size; index++)
        ((volatile u8 *)to)[index] = value;
    return to;
}
