/* SPDX-License-Identifier: Apache-2.0 */
#include "io/table_source.h"
#include "base/mem.h"
#include "io/table_kind.h"
#include <string.h>

struct table_source {
    const struct table *table;
    const struct table_kind *kind;
    void *connection; /* NULL: none just now */
    atomic_bool stopped;
};

struct table_source *table_source_new(const struct table *t)
{
    struct table_source *s = mem_new(sizeof *s);
    s->table = t;
    s->kind =
        strcmp(t->schema->connector, table_sqlite.connector) == 0 ? &table_sqlite : &table_postgres;
    return s;
}

static void hang_up(struct table_source *s)
{
    if (s->connection != NULL)
        s->kind->close(s->connection);
    s->connection = NULL;
}

void table_source_free(struct table_source *s)
{
    if (s == NULL)
        return;
    hang_up(s);
    mem_free(s);
}

void table_source_stop(struct table_source *s)
{
    atomic_store(&s->stopped, true);
}

enum err table_source_get(struct table_source *s, const struct value *keys, unsigned n,
                          montime deadline, struct table_answer *answers, struct bytes *out,
                          char why[TABLE_WHY])
{
    const struct table_limit limit = {deadline, &s->stopped};
    why[0] = '\0';
    if (s->connection == NULL)
        s->connection = s->kind->open(s->table, &limit, why);
    enum err e = s->connection == NULL
                     ? ERR_CLOSED
                     : s->kind->get(s->connection, keys, n, &limit, answers, out, why);
    if (e == ERR_CLOSED)
        hang_up(s);
    if (e != ERR_OK && table_kind_is_over(&limit))
        return ERR_AGAIN;
    return e == ERR_CLOSED ? ERR_IO : e;
}
