/* programs NAME AMOUNT: does it and prints the check-sum. Compiled static, so that it runs in the guest and on the host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "programs.h"

static const struct { const char *name; program *run; } programs[] = {
    {"sieve", sieve}, {"crc", crc}, {"quicksort", quicksort}, {"calls", calls}, {"indirect", indirect}, {"chase", chase},
    {"nbody", nbody}, {"mandelbrot", mandelbrot}, {"matrix", matrix}, {"triad", triad}, {"x87", x87},
    {"forks", forks}, {"execs", execs}, {"pingpong", pingpong}, {"faults", faults}, {"syscalls", syscalls},
    {"one-thread", one_thread}, {"two-threads", two_threads}, {"generate", generate},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "nothing") == 0)
        return 0;
    for (size_t i = 0; argc == 3 && i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(programs[i].name, argv[1]) == 0) {
            printf("%016llx\n", (unsigned long long) programs[i].run(atol(argv[2])));
            return 0;
        }
    }
    fprintf(stderr, "usage: programs NAME AMOUNT\n");
    return 2;
}
