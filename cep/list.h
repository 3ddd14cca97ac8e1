/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - the items of a list, for `x IN LIST name`: a set of keys of one type.
 *
 * Room:   CREATE LIST, INSERT (rules/), files of items -> [list] -> exprvm
 * Owns:   its keys; the schema belongs to whoever compiled it, and outlives the list and the plans that name it
 * Thread: one.  Filled before the first row: what a row sees does not depend on when it comes. */
#ifndef WEIR_CEP_LIST_H
#define WEIR_CEP_LIST_H
#include "base/err.h"
#include "cep/value.h"

enum { LIST_ITEMS_MAX = 10000000, LIST_KEY_MAX = 64 << 10 }; /* items; bytes of a key */

struct list;

/* key: the column that is the PRIMARY KEY. */
struct list *list_new(const struct schema *s, unsigned key);
void list_free(struct list *l); /* NULL is fine */

const char *list_name(const struct list *l);
const struct schema *list_schema(const struct list *l); /* its time_column is -1 */
unsigned list_key(const struct list *l);
struct type list_type(const struct list *l); /* of the key */
size_t list_count(const struct list *l);

/* A key that is there already stays as it is. ERR_LIMIT: too long, or the list is full; nothing changed. */
enum err list_put(struct list *l, union cell key);
bool list_has(const struct list *l, union cell key);

#endif
