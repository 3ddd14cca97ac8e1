/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_HIDE(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define ARENA_SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define ARENA_HIDE(p, n) ((void)(p), (void)(n))
#define ARENA_SHOW(p, n) ((void)(p), (void)(n))
#endif

enum {
    ARENA_ALIGN = 16,
    ARENA_BLOCK_MIN = 256,
    ARENA_BLOCK_MAX = 1 << 20, /* blocks double up to here, so a big arena wastes little */
};

struct block {
    struct block *next; /* the one filled before */
    size_t cap, used;
    _Alignas(ARENA_ALIGN) char data[];
};

struct arena {
    struct block *top;
    size_t next_block, cap, taken;
};

static size_t rounded(size_t size)
{
    BUG_IF(size > SIZE_MAX / 2, "arena_alloc of %zu bytes", size);
    return (size + (ARENA_ALIGN - 1)) & ~(size_t)(ARENA_ALIGN - 1);
}

static void block_free(struct block *b)
{
    ARENA_SHOW(b->data, b->cap);
    mem_free(b);
}

static void block_add(struct arena *a, size_t size)
{
    size_t cap = a->next_block > size ? a->next_block : size;
    struct block *b = mem_alloc(sizeof *b + cap);
    *b = (struct block){.next = a->top, .cap = cap};
    ARENA_HIDE(b->data, cap);
    a->top = b;
    if (a->next_block < ARENA_BLOCK_MAX)
        a->next_block *= 2;
}

struct arena *arena_new(size_t first_block_bytes, size_t cap_bytes)
{
    struct arena *a = mem_new(sizeof *a);
    a->next_block =
        rounded(first_block_bytes < ARENA_BLOCK_MIN ? ARENA_BLOCK_MIN : first_block_bytes);
    a->cap = cap_bytes;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    while (a->top) {
        struct block *b = a->top;
        a->top = b->next;
        block_free(b);
    }
    mem_free(a);
}

void arena_reset(struct arena *a)
{
    struct block *largest = a->top;
    for (struct block *b = a->top; b; b = b->next)
        if (b->cap > largest->cap)
            largest = b;
    while (a->top) {
        struct block *b = a->top;
        a->top = b->next;
        if (b != largest)
            block_free(b);
    }
    if (largest) {
        largest->next = NULL;
        largest->used = 0;
        ARENA_HIDE(largest->data, largest->cap);
    }
    a->top = largest;
    a->taken = 0;
}

size_t arena_bytes(const struct arena *a)
{
    return a->taken;
}

int arena_room(const struct arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return 0;
    return a->cap == 0 || rounded(bytes) <= a->cap - a->taken;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t take = rounded(size);
    BUG_IF(a->cap && take > a->cap - a->taken, "arena is full: %zu more over %zu of %zu bytes",
           size, a->taken, a->cap);
    if (!a->top || take > a->top->cap - a->top->used)
        block_add(a, take);
    struct block *b = a->top;
    char *p = b->data + b->used;
    b->used += take;
    a->taken += take;
    ARENA_SHOW(p, size);
    return p;
}

void *arena_zero(struct arena *a, size_t size)
{
    return memset(arena_alloc(a, size), 0, size);
}

char *arena_dup(struct arena *a, const void *p, size_t n)
{
    char *s = arena_alloc(a, n + 1);
    if (n)
        memcpy(s, p, n);
    s[n] = '\0';
    return s;
}

char *arena_str(struct arena *a, const char *s)
{
    return arena_dup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_IF(n < 0, "cannot format \"%s\"", fmt);
    char *s = arena_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}
