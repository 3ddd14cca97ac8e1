/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of a list out of hostile bytes: CSV, one JSON text, or messages of listwire. The first byte says which, and which
 * key the list has. What is taken has a key that is read again as itself, and a row that is taken again as itself. */
#include "base/bug.h"
#include "base/mem.h"
#include "server/deploy/listitems.h"
#include "server/wire/listwire.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct list *list_of(unsigned which)
{
    static const struct type types[] = {{.kind = TYPE_STRING},
                                        {.kind = TYPE_BIGINT},
                                        {.kind = TYPE_DECIMAL, .precision = 12, .scale = 2},
                                        {.kind = TYPE_DOUBLE},
                                        {.kind = TYPE_BOOLEAN},
                                        {.kind = TYPE_TIMESTAMP, .precision = 3}};
    static struct column columns[] = {{.name = "k", .not_null = true},
                                      {.name = "note", .type.kind = TYPE_STRING},
                                      {.name = "n", .type.kind = TYPE_BIGINT}};
    static const struct schema schema = {.name = "l",
                                         .ncolumns = 3,
                                         .columns = columns,
                                         .time_column = -1};
    columns[0].type = types[which % (sizeof types / sizeof *types)];
    return list_new(&schema, 0);
}

static void check_edit(struct list *l, const struct catalog_list_edit *x)
{
    struct listitems *again = listitems_new(l);
    struct listitems_problem p;
    BUG_IF(listitems_take(again, x->key, strlen(x->key), &p) != ERR_OK, "key: %s", p.text);
    if (x->row != NULL)
        BUG_IF(listitems_json(again, x->row, strlen(x->row), false, &p) != ERR_OK, "row: %s",
               p.text);
    for (size_t i = 0; i < listitems_count(again); i++) {
        const struct catalog_list_edit *y = &listitems_edits(again)[i];
        BUG_IF(strcmp(y->key, x->key) != 0, "key %s became %s", x->key, y->key);
        BUG_IF(i == 1 && strcmp(y->row, x->row) != 0, "row %s became %s", x->row, y->row);
    }
    listitems_free(again);
}

static void try_items(unsigned how, unsigned which, const char *text, size_t n)
{
    struct list *l = list_of(which);
    struct listitems *it = listitems_new(l);
    struct listitems_problem p = {0};
    bool take = (how & 1) != 0;
    enum err e = (how & 2) != 0 ? listitems_csv(it, text, n, take, 1000, &p)
                                : listitems_json(it, text, n, take, &p);
    BUG_IF(e == ERR_INVALID && p.text[0] == '\0', "no word about what is wrong");
    for (size_t i = 0; i < listitems_count(it); i++)
        check_edit(l, &listitems_edits(it)[i]);
    if (!take && (how & 2) == 0 && listitems_count(it) == 1) {
        char *old = mem_str(listitems_edits(it)[0].row);
        e = listitems_json_over(it, old, text, n, &p);
        BUG_IF(e == ERR_INVALID && p.text[0] == '\0', "no word about what is wrong");
        mem_free(old);
    }
    listitems_free(it);
    list_unref(l);
}

static void try_wire(const uint8_t *data, size_t size)
{
    struct bytes_reader r = bytes_read(data, size);
    struct arena *a = arena_new(4096, 0);
    struct listwire_head head;
    struct listwire_entry x;
    if (listwire_get_head(&r, a, &head) == ERR_OK)
        while (listwire_get(&r, a, &x) == ERR_OK)
            continue;
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = mem_dup(data + 1, size - 1);
    if (data[0] % 8 == 7)
        try_wire(data + 1, size - 1);
    else
        try_items(data[0] % 8, data[0] / 8, text, size - 1);
    mem_free(text);
    return 0;
}
