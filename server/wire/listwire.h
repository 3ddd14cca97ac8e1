/* SPDX-License-Identifier: Apache-2.0 */
/* listwire.h - what a worker is told of a list: its definition, cuts, edits and items, one after the other.
 *
 * Room:   change -> [listwire] -> CONTROL_LIST -> workerlist
 * Owns:   nothing; keys stay slices of the message, a cut's marks go into the caller's arena.  Thread: any.
 *
 * A message is a head and entries. An edit is of the cut that came last. Bytes come from another process and are taken
 * as hostile: what does not fit is ERR_CORRUPT. */
#ifndef WEIR_SERVER_LISTWIRE_H
#define WEIR_SERVER_LISTWIRE_H
#include "base/arena.h"
#include "base/bytes.h"
#include "cep/list.h"

enum { LISTWIRE_BYTES = 1 << 20 }; /* about as much is put into one message */

struct listwire_head {
    uint64_t uid;
    bool removed;
    const char *sql; /* "": the worker knows it */
};
enum listwire_kind {
    LISTWIRE_CUT = 1,
    LISTWIRE_EDIT, /* list_edit_row */
    LISTWIRE_PAST, /* list_replay_row */
    LISTWIRE_ITEM /* list_put_row */
};
struct listwire_row { /* JSON, a slice of the message; "": only the key is known */
    const char *p; /* NULL: the key is not in the list */
    size_t n;
};
struct listwire_entry {
    enum listwire_kind kind;
    struct list_cut cut;
    const char *key; /* its text */
    size_t n;
    struct listwire_row before, row;
};

void listwire_put_head(const struct listwire_head *h, struct bytes *out);
void listwire_put_cut(const struct list_cut *c, struct bytes *out);
/* before and row may be NULL. */
void listwire_put_key(enum listwire_kind kind, const char *key, const char *before, const char *row,
                      struct bytes *out);

enum err listwire_get_head(struct bytes_reader *r, struct arena *a, struct listwire_head *out);
/* ERR_END: there is no other. */
enum err listwire_get(struct bytes_reader *r, struct arena *a, struct listwire_entry *out);

#endif
