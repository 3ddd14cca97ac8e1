/* SPDX-License-Identifier: Apache-2.0 */
/* snapwriter.h - writes a file of state (snapfile.h).
 *
 * Room:   snapshot of a task -> [snapwriter] -> checkpoint folder, savepoint
 * Owns:   the file until it is finished
 * Thread: one at a time.  Time: none.
 *
 * Up to 32 MiB of entries are gathered in memory, so that blocks are of one operator and group each. Everything is fsynced
 * and has its name when finish returns; before that there is only a file "….part" (base/durable.h). */
#ifndef WEIR_STATE_SNAPWRITER_H
#define WEIR_STATE_SNAPWRITER_H
#include "state/snapfile.h"

struct snapwriter;

enum err snapwriter_create(const char *path, struct snapwriter **out);
/* ERR_LIMIT: too long, or too many operators. */
enum err snapwriter_put(struct snapwriter *w, const char *op, unsigned group,
                        const struct snapfile_entry *e);
/* Frees w in any case. *bytes: of the file; may be NULL. */
enum err snapwriter_finish(struct snapwriter *w, uint64_t *bytes);
void snapwriter_abandon(struct snapwriter *w); /* NULL is fine */

#endif
