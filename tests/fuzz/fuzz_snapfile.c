/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of state files over hostile bytes. Checksums would keep nearly every input out, so the input is a file whose
 * sums are made right first: what is tested is what comes after them. */
#include "base/bug.h"
#include "base/mem.h"
#include "state/snapfile.h"
#include "state/snapfile_format.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t get(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void put(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* Sums of the index, and of blocks one after the other as their own lengths say. */
static void make_right(uint8_t *p, size_t n)
{
    if (n < SNAPFILE_HEAD_BYTES + SNAPFILE_TAIL_BYTES)
        return;
    uint8_t *tail = p + n - SNAPFILE_TAIL_BYTES;
    uint64_t index = get(tail), index_n = get(tail + 8);
    if (index <= n && index_n <= n - index)
        put(tail + 16, XXH3_64bits(p + index, index_n));
    for (uint64_t at = SNAPFILE_HEAD_BYTES; at < index && index <= n;) {
        if (index - at < SNAPFILE_BLOCK_BYTES)
            return;
        uint64_t payload = get(p + at + 32);
        if (payload > index - at - SNAPFILE_BLOCK_BYTES)
            return;
        put(p + at, XXH3_64bits(p + at + 8, SNAPFILE_BLOCK_BYTES - 8 + payload));
        at += SNAPFILE_BLOCK_BYTES + payload;
    }
}

static enum err take(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    volatile uint64_t *sum = ctx;
    *sum += strlen(op) + group + e->key_n;
    for (size_t i = 0; e->value != NULL && i < e->value_n; i++)
        *sum += ((const uint8_t *)e->value)[i];
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("snapfile", MFD_CLOEXEC);
    uint8_t *copy = mem_alloc(size + 1);
    char path[64];
    struct diag d;
    struct snapfile *f = NULL;
    uint64_t sum = 0;
    memcpy(copy, data, size);
    make_right(copy, size);
    BUG_IF(fd < 0 || write(fd, copy, size) != (ssize_t)size, "no memory file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    diag_init(&d, NULL, 0);
    if (snapfile_open(path, &d, &f) == ERR_OK) {
        for (unsigned i = 0; i < snapfile_operators(f); i++)
            if (snapfile_read(f, i, 0, SNAPFILE_GROUPS_MAX, take, &sum, &d) != ERR_OK)
                BUG_IF(d.n == 0, "refused without a word");
    } else {
        BUG_IF(d.n == 0, "refused without a word");
    }
    snapfile_close(f);
    diag_fini(&d);
    mem_free(copy);
    close(fd);
    return 0;
}
