/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - bump allocation: many small things with one lifetime, freed at once.
 *
 * Owns:   its blocks.  Thread: one at a time.
 * An arena has an owner and a written lifetime; no pointer goes from a longer to a shorter one. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H
#include <stddef.h>

struct arena;

/* cap_bytes: how much may be taken in all; 0 = no cap. Past it arena_alloc ends the process, so
 * callers that take sizes from outside ask arena_room first. */
struct arena *arena_new(size_t first_block_bytes, size_t cap_bytes);
void arena_free(struct arena *a); /* NULL is fine */
void arena_reset(struct arena *a); /* empties, keeps the largest block */
size_t arena_bytes(const struct arena *a); /* taken so far */
int arena_room(const struct arena *a, size_t bytes); /* would that much fit under the cap? */

void *arena_alloc(struct arena *a, size_t size); /* 16-byte aligned, not zeroed */
void *arena_zero(struct arena *a, size_t size); /* zeroed */
char *arena_dup(struct arena *a, const void *p, size_t n); /* n bytes and a NUL */
char *arena_str(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
