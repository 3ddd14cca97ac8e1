/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - malloc that does not fail: out of memory ends the process (crash-only; the log and
 * checkpoints exist).
 *
 * What a user can make grow is bounded by a cap that answers ERR_LIMIT, not by malloc.
 * Thread: any. */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H
#include <stddef.h>

size_t mem_resident_bytes(void); /* of this process, as the system counts them; 0: not known */
void mem_trim(void); /* gives the system back what free() has kept; milliseconds */
void *mem_new(size_t size); /* zeroed */
void *mem_array(size_t n, size_t size); /* zeroed; checks n * size */
void *mem_alloc(size_t size); /* not zeroed */
void *mem_resize(void *p, size_t size);
void *mem_resize_array(void *p, size_t n, size_t size);
char *mem_dup(const void *p, size_t n); /* n bytes and a NUL */
char *mem_str(const char *s);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); /* NULL is fine */

/* Grow a vector that holds `used` of `cap` elements of `size` bytes so that `more` fit; returns the
 * (moved) vector. */
void *mem_grow(void *v, size_t used, size_t more, size_t *cap, size_t size);

#endif
