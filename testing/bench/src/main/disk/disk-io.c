/* Reads or writes a disk with a number of requests under way for a number of seconds, past the page cache, and says how fast:
   disk-io DEVICE read|write seq|random BLOCK DEPTH SECONDS. Linux AIO by its system calls: no library is needed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static long long place(int random, long long done, long long blocks) {
    static unsigned long long state = 88172645463325252ULL;
    if (!random) {
        return done % blocks;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % blocks;
}

int main(int count, char **words) {
    int writes = !strcmp(words[2], "write"), random = !strcmp(words[3], "random");
    long block = atol(words[4]);
    int depth = atoi(words[5]), disk = open(words[1], O_RDWR | O_DIRECT);
    double seconds = atof(words[6]);
    long long size = 0, submitted = 0, done = 0;
    aio_context_t context = 0;
    struct iocb requests[64], *wanted[64];
    struct io_event events[64];
    if (count != 7 || disk < 0 || ioctl(disk, BLKGETSIZE64, &size) || syscall(SYS_io_setup, 64, &context)) {
        perror("disk-io");
        return 1;
    }
    memset(requests, 0, sizeof requests);
    for (int i = 0; i < depth; i++) {
        void *buffer;
        if (posix_memalign(&buffer, 4096, block)) {
            return 1;
        }
        memset(buffer, 'a' + i % 26, block);
        requests[i].aio_lio_opcode = writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
        requests[i].aio_fildes = disk;
        requests[i].aio_buf = (unsigned long) buffer;
        requests[i].aio_nbytes = block;
        requests[i].aio_data = i;
        requests[i].aio_offset = place(random, submitted++, size / block) * block;
        wanted[i] = &requests[i];
    }
    double start = now();
    syscall(SYS_io_submit, context, depth, wanted);
    while (now() - start < seconds) {
        int n = syscall(SYS_io_getevents, context, 1, 64, events, NULL);
        for (int i = 0; i < n; i++) {
            struct iocb *r = &requests[events[i].data];
            if (events[i].res != block) {
                fprintf(stderr, "disk-io: request failed: %lld\n", (long long) events[i].res);
                return 1;
            }
            r->aio_offset = place(random, submitted++, size / block) * block;
            wanted[i] = r;
        }
        done += n;
        syscall(SYS_io_submit, context, n, wanted);
    }
    double took = now() - start;
    syscall(SYS_io_getevents, context, depth, 64, events, NULL);
    printf("%.0f\n", done * block / took);
    return 0;
}
