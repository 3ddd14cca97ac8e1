/* SPDX-License-Identifier: Apache-2.0 */
/* statefiles.h - a base of state and the changes behind it, read as one.
 *
 * Room:   snapfile -> [statefiles] -> store (restoring, merging)
 * Owns:   the open files, and one key group's entries while they are given out
 * Thread: one.  Time: none.
 *
 * The last file that has a key says what it is worth. With one file entries pass straight through; else those of one
 * operator and group are gathered in memory, one group after the other. */
#ifndef WEIR_STATE_STATEFILES_H
#define WEIR_STATE_STATEFILES_H
#include "state/snapfile.h"

struct statefiles;

/* paths: from the base on, in order. */
enum err statefiles_open(const char *const *paths, unsigned n, struct diag *d,
                         struct statefiles **out);
void statefiles_close(struct statefiles *s); /* NULL is fine */
/* Entries that are there, of groups [from, to); none is `gone`. */
enum err statefiles_read(struct statefiles *s, unsigned from, unsigned to, snapfile_take *take,
                         void *ctx, struct diag *d);
/* Entries are of groups [*from, *to) alone; none: both are 0. */
void statefiles_span(const struct statefiles *s, unsigned *from, unsigned *to);
enum err statefiles_verify(struct statefiles *s, struct diag *d);

#endif
