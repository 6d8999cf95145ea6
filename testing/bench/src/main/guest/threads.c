/* The same work by each of one or two threads: with two processors both take the same time. */
#include <pthread.h>
#include "programs.h"

struct work { long amount; uint64_t sum; };

static void *collatz(void *argument)
{
    struct work *work = argument;
    uint64_t steps = 0;
    for (uint64_t n = 1; n <= (uint64_t) work->amount * 1000; n++)
        for (uint64_t x = n; x != 1; steps++)
            x = x & 1 ? 3 * x + 1 : x / 2;
    work->sum = steps;
    return 0;
}

uint64_t one_thread(long amount)
{
    struct work work = {amount, 0};
    collatz(&work);
    return work.sum;
}

uint64_t two_threads(long amount)
{
    struct work mine = {amount, 0}, other = {amount, 0};
    pthread_t thread;
    if (pthread_create(&thread, 0, collatz, &other))
        return 0;
    collatz(&mine);
    pthread_join(thread, 0);
    return mine.sum == other.sum ? mine.sum : 0;
}
