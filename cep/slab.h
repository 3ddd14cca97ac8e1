/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h - memory of running operators: many objects of few sizes, taken and given back all the time.
 *
 * Room:   keytable, order, match, window -> [slab]
 * Owns:   its blocks; slab_fini frees them with all objects in them, given back or not
 * Thread: one worker.  Time: none.
 *
 * `struct slab` is for one size; `struct slabs` for blocks of any size (classes up to SLABS_MAX bytes, above by mem).
 * Under ASan every object is a malloc of its own, so that reuse cannot hide a use after free. */
#ifndef WEIR_CEP_SLAB_H
#define WEIR_CEP_SLAB_H
#include <stddef.h>
#include <stdint.h>

struct slab_free;
struct slab_block;

struct slab {
    size_t size; /* of one object, rounded up */
    struct slab_free *free;
    struct slab_block *blocks;
    char *at, *end; /* of the newest block, not yet given out */
    size_t live; /* objects given out */
    size_t bytes; /* taken from the system */
};

void slab_init(struct slab *s, size_t size);
void slab_fini(struct slab *s);
void *slab_more(struct slab *s); /* slab_alloc's slow path */
void slab_put(struct slab *s, void *p); /* slab_free's, under ASan */

struct slab_free {
    struct slab_free *next;
};

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_EACH_ALONE 1
#endif
#endif

/* Not zeroed; 8-byte aligned. */
static inline void *slab_alloc(struct slab *s)
{
#ifndef SLAB_EACH_ALONE
    struct slab_free *f = s->free;
    if (f != NULL) {
        s->free = f->next;
        s->live++;
        return f;
    }
#endif
    return slab_more(s);
}

static inline void slab_free(struct slab *s, void *p)
{
#ifdef SLAB_EACH_ALONE
    slab_put(s, p);
#else
    struct slab_free *f = p;
    f->next = s->free;
    s->free = f;
    s->live--;
#endif
}

enum { SLABS_STEP = 32, SLABS_MAX = 512, SLABS_CLASSES = SLABS_MAX / SLABS_STEP };

struct slabs {
    struct slab classes[SLABS_CLASSES];
    size_t big_bytes; /* of those by mem */
};

void slabs_init(struct slabs *s);
void slabs_fini(struct slabs *s); /* objects above SLABS_MAX must have been given back */
void *slabs_big(struct slabs *s, size_t size);
void slabs_big_free(struct slabs *s, void *p, size_t size);
size_t slabs_bytes(const struct slabs *s);
size_t slabs_used(const struct slabs *s); /* by objects given out */
static inline size_t slab_used(const struct slab *s)
{
    return s->live * s->size;
}

static inline void *slabs_alloc(struct slabs *s, size_t size)
{
    if (size > SLABS_MAX || size == 0)
        return slabs_big(s, size);
    return slab_alloc(&s->classes[(size - 1) / SLABS_STEP]);
}

/* size: as asked for. */
static inline void slabs_free(struct slabs *s, void *p, size_t size)
{
    if (size > SLABS_MAX || size == 0)
        slabs_big_free(s, p, size);
    else
        slab_free(&s->classes[(size - 1) / SLABS_STEP], p);
}

#endif
