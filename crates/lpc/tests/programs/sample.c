/* Code with every kind of reference that listings show: calls, data, tables, loops. */
extern int outside(int);
extern int datum;
static int numbers[10] = {1, 2, 3};
static const char text[] = "text";

int sum(const int *values, int count) {
    int result = 0;
    for (int i = 0; i < count; i++)
        result += values[i];
    return result;
}

int pick(int which) {
    switch (which) {
    case 0: return outside(3);
    case 1: return outside(19) + 1;
    case 2: return datum;
    case 3: return text[datum];
    case 4: return outside(datum);
    case 5: return numbers[datum];
    case 6: return which / 3 + datum;
    default: return sum(numbers, 10);
    }
}

__attribute__((section(".text.other"))) int other(int value) {
    while (value > datum)
        value -= outside(value);
    return value;
}

void set(int value) {
    datum = value;
    numbers[value & 7] = value * 5 % 7;
}
