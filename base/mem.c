/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/bug.h"
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t product(size_t n, size_t size)
{
    size_t total = 0;
    BUG_IF(__builtin_mul_overflow(n, size, &total), "allocation of %zu x %zu bytes", n, size);
    return total;
}

/* malloc(0) may answer NULL, which would look like failure; one byte never does. */
static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

void *mem_new(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t n, size_t size)
{
    size_t total = product(n, size);
    void *p = calloc(1, at_least_one(total));
    BUG_IF(!p, "out of memory: %zu bytes", total);
    return p;
}

void *mem_alloc(size_t size)
{
    void *p = malloc(at_least_one(size));
    BUG_IF(!p, "out of memory: %zu bytes", size);
    return p;
}

void *mem_resize(void *p, size_t size)
{
    void *q = realloc(p, at_least_one(size));
    BUG_IF(!q, "out of memory: %zu bytes", size);
    return q;
}

void *mem_resize_array(void *p, size_t n, size_t size)
{
    return mem_resize(p, product(n, size));
}

char *mem_dup(const void *p, size_t n)
{
    BUG_IF(n == SIZE_MAX, "no room for the NUL after %zu bytes", n);
    char *s = mem_alloc(n + 1);
    if (n)
        memcpy(s, p, n);
    s[n] = '\0';
    return s;
}

char *mem_str(const char *s)
{
    return mem_dup(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    BUG_IF(n < 0, "cannot format \"%s\"", fmt);
    return s;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_grow(void *v, size_t used, size_t more, size_t *cap, size_t size)
{
    size_t need = 0;
    BUG_IF(__builtin_add_overflow(used, more, &need), "vector of %zu + %zu elements", used, more);
    if (need <= *cap)
        return v;
    /* Half as much again: copies stay linear, and freed blocks can be used for a later growth. */
    size_t grown = *cap + *cap / 2;
    if (grown < need)
        grown = need;
    if (grown < 8)
        grown = 8;
    v = mem_resize_array(v, grown, size);
    *cap = grown;
    return v;
}

size_t mem_resident_bytes(void)
{
    unsigned long long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &all, &pages) != 2)
        pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

void mem_trim(void)
{
    malloc_trim(0);
}
