/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects whose size is a multiple of a cache line begin at one. Blocks start at 4 KiB and double up to 256 KiB, so a rule with little state takes little. Under ASan each object is a
 * malloc with a link before it, so that slab_fini can free what is still out. */
#include "cep/slab.h"
#include "base/mem.h"

enum { SLAB_ALIGN = 8, SLAB_LINE = 64, SLAB_FIRST = 4 << 10, SLAB_LARGEST = 256 << 10 };

struct slab_block {
    struct slab_block *next, *prev; /* prev: under ASan only */
    size_t bytes;
    size_t pad;
};

void slab_init(struct slab *s, size_t size)
{
    *s = (struct slab){0};
    s->size = (size + SLAB_ALIGN - 1) & ~(size_t)(SLAB_ALIGN - 1);
}

void slab_fini(struct slab *s)
{
    while (s->blocks != NULL) {
        struct slab_block *b = s->blocks;
        s->blocks = b->next;
        mem_free(b);
    }
    slab_init(s, s->size);
}

#ifdef SLAB_EACH_ALONE
void *slab_more(struct slab *s)
{
    struct slab_block *b = mem_alloc(sizeof *b + s->size);
    *b = (struct slab_block){.next = s->blocks, .bytes = s->size};
    if (s->blocks != NULL)
        s->blocks->prev = b;
    s->blocks = b;
    s->live++;
    s->bytes += s->size;
    return b + 1;
}

void slab_put(struct slab *s, void *p)
{
    struct slab_block *b = (struct slab_block *)p - 1;
    if (b->next != NULL)
        b->next->prev = b->prev;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        s->blocks = b->next;
    s->live--;
    s->bytes -= s->size;
    mem_free(b);
}
#else
static void add_block(struct slab *s)
{
    size_t bytes = s->blocks == NULL ? SLAB_FIRST : s->blocks->bytes * 2;
    if (bytes > SLAB_LARGEST)
        bytes = SLAB_LARGEST;
    if (bytes < sizeof(struct slab_block) + SLAB_LINE + s->size)
        bytes = sizeof(struct slab_block) + SLAB_LINE + s->size;
    struct slab_block *b = mem_alloc(bytes);
    *b = (struct slab_block){.next = s->blocks, .bytes = bytes};
    s->blocks = b;
    s->at = (char *)(b + 1);
    if (s->size % SLAB_LINE == 0)
        s->at += -(uintptr_t)s->at & (SLAB_LINE - 1);
    s->end = (char *)b + bytes;
    s->bytes += bytes;
}

void *slab_more(struct slab *s)
{
    if ((size_t)(s->end - s->at) < s->size || s->at == NULL)
        add_block(s);
    void *p = s->at;
    s->at += s->size;
    s->live++;
    return p;
}

void slab_put(struct slab *s, void *p)
{
    slab_free(s, p);
}
#endif

void slabs_init(struct slabs *s)
{
    *s = (struct slabs){0};
    for (unsigned i = 0; i < SLABS_CLASSES; i++)
        slab_init(&s->classes[i], (size_t)(i + 1) * SLABS_STEP);
}

void slabs_fini(struct slabs *s)
{
    for (unsigned i = 0; i < SLABS_CLASSES; i++)
        slab_fini(&s->classes[i]);
}

void *slabs_big(struct slabs *s, size_t size)
{
    s->big_bytes += size;
    return mem_alloc(size);
}

void slabs_big_free(struct slabs *s, void *p, size_t size)
{
    s->big_bytes -= size;
    mem_free(p);
}

size_t slabs_bytes(const struct slabs *s)
{
    size_t n = s->big_bytes;
    for (unsigned i = 0; i < SLABS_CLASSES; i++)
        n += s->classes[i].bytes;
    return n;
}

size_t slabs_used(const struct slabs *s)
{
    size_t n = s->big_bytes;
    for (unsigned i = 0; i < SLABS_CLASSES; i++)
        n += slab_used(&s->classes[i]);
    return n;
}
