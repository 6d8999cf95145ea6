/* Programs that make the kernel work. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "programs.h"

static int wait_for(pid_t child)
{
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return status;
}

/* "amount" processes that end at once. */
uint64_t forks(long amount)
{
    uint64_t good = 0;
    while (amount-- > 0) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        good += wait_for(child) == 0;
    }
    return good;
}

/* "amount" processes that execute this program anew. */
uint64_t execs(long amount)
{
    uint64_t good = 0;
    while (amount-- > 0) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "programs", "nothing", (char *) 0);
            _exit(1);
        }
        good += wait_for(child) == 0;
    }
    return good;
}

/* A byte there and back between two processes, "amount" thousand times. */
uint64_t pingpong(long amount)
{
    int there[2], back[2];
    unsigned char byte = 0;
    uint64_t sum = 0;
    if (pipe(there) || pipe(back))
        abort();
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte++;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    for (long i = amount * 1000; i > 0; i--) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            abort();
        sum += byte;
    }
    close(there[1]);
    wait_for(child);
    return sum;
}

/* First touches of 8 MiB of fresh memory, "amount" times. */
uint64_t faults(long amount)
{
    enum { SIZE = 8 << 20 };
    uint64_t sum = 0;
    while (amount-- > 0) {
        unsigned char *memory = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            abort();
        madvise(memory, SIZE, MADV_NOHUGEPAGE);
        for (long at = 0; at < SIZE; at += 4096)
            sum += ++memory[at];
        munmap(memory, SIZE);
    }
    return sum;
}

/* The cheapest system call, "amount" thousand times. */
uint64_t syscalls(long amount)
{
    uint64_t same = 0;
    long parent = getppid();
    for (long i = amount * 1000; i > 0; i--)
        same += syscall(SYS_getppid) == parent;
    return same;
}
