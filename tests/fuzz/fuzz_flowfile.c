/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of files of flow over hostile bytes, whose checksums are made right first: what is tested is what comes after
 * them. */
#include "base/bug.h"
#include "base/mem.h"
#include "state/flowfile.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 16, BLOCK = 16, TAIL = 24 };

static void put(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void make_right(uint8_t *p, size_t n)
{
    if (n < HEAD + TAIL)
        return;
    put(p + n - TAIL + 8, XXH3_64bits(p + n - TAIL, 8));
    for (size_t at = HEAD; at + BLOCK <= n - TAIL;) {
        uint32_t payload = 0;
        memcpy(&payload, p + at + 8, sizeof payload);
        if (payload > n - TAIL - at - BLOCK)
            return;
        put(p + at, XXH3_64bits(p + at + BLOCK, payload));
        at += BLOCK + payload;
    }
}

static enum err take(void *ctx, const void *p, size_t n)
{
    volatile uint64_t *sum = ctx;
    for (size_t i = 0; i < n; i++)
        *sum += ((const uint8_t *)p)[i];
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = (uint8_t *)mem_dup(data, size);
    char path[64];
    uint64_t sum = 0;
    struct diag d;
    int fd = memfd_create("flow", MFD_CLOEXEC);
    BUG_IF(fd < 0, "no memory file");
    make_right(copy, size);
    BUG_IF(write(fd, copy, size) != (ssize_t)size, "a short write");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    diag_init(&d, NULL, 0);
    enum err e = flowfile_read(path, take, &sum, &d);
    BUG_IF(e == ERR_OK && size < HEAD + TAIL, "%zu bytes are a file", size);
    diag_fini(&d);
    close(fd);
    mem_free(copy);
    return 0;
}
