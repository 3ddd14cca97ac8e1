/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/lastplace.h"
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

struct lastplace_page {
    _Atomic uint32_t set; /* what follows is whole */
    struct lastplace at;
};

int lastplace_file(void)
{
    int fd = memfd_create("weir-place", MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, sizeof(struct lastplace_page)) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct lastplace_page *lastplace_map(int fd)
{
    void *p = fd < 0 ? MAP_FAILED
                     : mmap(NULL, sizeof(struct lastplace_page), PROT_READ | PROT_WRITE, MAP_SHARED,
                            fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

void lastplace_unmap(struct lastplace_page *p)
{
    if (p != NULL)
        munmap(p, sizeof *p);
}

void lastplace_set(struct lastplace_page *p, const struct lastplace *at)
{
    if (p == NULL)
        return;
    atomic_store_explicit(&p->set, 0, memory_order_relaxed);
    atomic_signal_fence(
        memory_order_seq_cst); /* the process may be killed between any two stores */
    if (at == NULL)
        return;
    p->at = *at;
    atomic_store_explicit(&p->set, 1, memory_order_release);
}

bool lastplace_get(const struct lastplace_page *p, struct lastplace *out)
{
    if (p == NULL || atomic_load_explicit(&p->set, memory_order_acquire) != 1)
        return false;
    *out = p->at;
    return out->first <= out->last;
}
