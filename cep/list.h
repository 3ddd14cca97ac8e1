/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - the items of a list, for `x IN LIST name` and look-ups: keys of one type, with the values of the other columns
 * where they are given, and how they were edited while rows came.
 *
 * Room:   CREATE LIST, INSERT (rules/), files of items, edits of a server -> [list] -> exprvm
 * Owns:   its keys and a copy of its schema; by reference count: whoever compiled it, and each plan that names it
 * Thread: one fills it and asks it; the count is atomic.  Time: none: an edit is cut in offsets.
 *
 * What is put is there for every row. An edit belongs to a cut: it holds for rows that are not before the cut's mark of
 * their own partition, whenever they are looked at, so that a replay sees what the first run saw. Of the edits of a key
 * that hold for a row the newest counts. A look-up takes no memory, and for a key that was not edited it is one probe. */
#ifndef WEIR_CEP_LIST_H
#define WEIR_CEP_LIST_H
#include "base/err.h"
#include "cep/row/value.h"

enum { LIST_ITEMS_MAX = 10000000, LIST_KEY_MAX = 64 << 10 }; /* items; bytes of a key */

struct list;

/* key: the column that is the PRIMARY KEY. One reference. */
struct list *list_new(const struct schema *s, unsigned key);
struct list *list_ref(struct list *l);
void list_unref(struct list *l); /* NULL is fine */

const char *list_name(const struct list *l);
const struct schema *list_schema(const struct list *l); /* its time_column is -1 */
unsigned list_key(const struct list *l);
struct type list_type(const struct list *l); /* of the key */
size_t list_count(const struct list *l); /* after all edits */

/* A key that is there already stays as it is. ERR_LIMIT: too long, or the list is full; nothing changed. */
enum err list_put(struct list *l, union cell key);
/* The same with the values of all columns, the key's among them. */
enum err list_put_row(struct list *l, const struct value *values);

/* --- edits --- */
struct
    list_marks { /* of one stream: by partition; those past n, and streams without marks, are cut at 0 */
    uint32_t stream;
    unsigned n;
    const uint64_t *offsets;
};
struct list_cut {
    uint64_t seq; /* grows from cut to cut; 1 is the least */
    unsigned nstreams;
    const struct list_marks *streams;
};
/* The edits that follow are of this cut. A partition's mark never goes back: it is that of the cut before at least. A cut
 * that the list knows (seq) is left as it is. */
void list_cut(struct list *l, const struct list_cut *c);
/* Puts the key in, or takes it out, from the newest cut on. */
enum err list_edit(struct list *l, union cell key, bool in);
/* Puts the row in from the newest cut on, in place of what was there under its key. */
enum err list_edit_row(struct list *l, const struct value *values);
/* An edit of the past, told again in order to a list that has no such item: a key's first one tells that it was the other
 * way before. The items of today are put afterwards; they change nothing of such a key. */
enum err list_replay(struct list *l, union cell key, bool in);
/* The same with the rows: before, and after (NULL: not in the list). */
enum err list_replay_row(struct list *l, union cell key, const struct value *before,
                         const struct value *after);
size_t list_edits(const struct list *l);
/* What list_cut would keep of c: the marks, none of them before those of the newest cut. Into `a`. */
struct arena;
void list_merge(const struct list *l, const struct list_cut *c, struct arena *a,
                struct list_cut *out);

/* --- keys as texts: what people see, and what is stored and sent --- */
/* False: a number that has no such text (not finite). Appends to out. */
bool list_key_text(const struct list *l, union cell key, struct bytes *out);
/* False: not a key. A STRING is not copied. */
bool list_key_parse(const struct list *l, const char *p, size_t n, union cell *out);

/* --- look-ups; key is not NULL --- */
struct list_at { /* a row's place */
    uint32_t stream, partition;
    uint64_t offset;
};
bool list_has(const struct list *l, union cell key); /* after all edits */
/* As it is for the row at `at`. Cuts up to `since` hold for all rows: they were there before the rule was. */
bool list_has_at(const struct list *l, union cell key, const struct list_at *at, uint64_t since);
/* The value of a column in the key's row, as it is there; at NULL: after all edits. False: NULL, or no such key. */
bool list_value_at(const struct list *l, union cell key, unsigned column, const struct list_at *at,
                   uint64_t since, union cell *out);

#endif
