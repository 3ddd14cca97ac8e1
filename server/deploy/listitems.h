/* SPDX-License-Identifier: Apache-2.0 */
/* listitems.h - items of a list as people send them, made into keys and rows: JSON, CSV, the values of INSERT.
 *
 * Room:   API, change -> [listitems] -> changelist
 * Owns:   the texts of its items, a reference to the list.  Thread: one at a time.
 *
 * A row is JSON: an object of the list's columns in their order, with what is not given as null. The key is its text as
 * list_key_text gives it. Whatever the bytes are, there is either an item or a sentence that says where and why not. */
#ifndef WEIR_SERVER_LISTITEMS_H
#define WEIR_SERVER_LISTITEMS_H
#include "cep/list.h"
#include "state/catalog_lists.h"

struct listitems;
struct listitems_problem {
    const char *what; /* "item" or "line" */
    unsigned long at; /* which, from 1; 0: the whole */
    char text[256];
};

struct listitems *listitems_new(struct list *l); /* takes a reference of its own */
void listitems_free(struct listitems *it); /* NULL is fine */
struct list *listitems_list(const struct listitems *it);
size_t listitems_count(const struct listitems *it);
const struct catalog_list_edit *listitems_edits(const struct listitems *it);

/* One item: an object of columns, or the key alone. take: it goes, and only its key counts. ERR_INVALID. */
enum err listitems_json(struct listitems *it, const char *text, size_t n, bool take,
                        struct listitems_problem *p);
/* The same over the object `old`: what `text` does not name stays as it is there. */
enum err listitems_json_over(struct listitems *it, const char *old, const char *text, size_t n,
                             struct listitems_problem *p);
/* Lines of a CSV file. If the first names the key column it names columns; else they stand in the list's order, and those
 * that are not there are NULL. A field that is empty and not quoted is NULL. ERR_LIMIT: more than max. */
enum err listitems_csv(struct listitems *it, const char *text, size_t n, bool take, size_t max,
                       struct listitems_problem *p);
/* A value for each column. */
enum err listitems_values(struct listitems *it, const struct value *v, struct listitems_problem *p);
/* The item whose key has this text goes. */
enum err listitems_take(struct listitems *it, const char *key, size_t n,
                        struct listitems_problem *p);

#endif
