/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of databases outside: made known from SQL, shown with their options, the rules that look into them, how that goes. */
#include "base/mem.h"
#include "cep/table.h"
#include "server/api/api_define.h"
#include "server/http/jsonw.h"
#include "state/catalog.h"
#include <string.h>
#include <strings.h>

/* --- reading -------------------------------------------------------------------------------------------------------- */

static void write_columns(struct bytes *out, const struct table *t)
{
    const struct schema *s = t->schema;
    char type[32];
    jsonw_kstr(out, "key", s->columns[t->key].name);
    jsonw_key(out, "columns");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < s->ncolumns; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", s->columns[i].name);
        jsonw_kstr(out, "type", schema_type_name(s->columns[i].type, type));
        jsonw_kbool(out, "not_null", s->columns[i].not_null);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_options(struct bytes *out, const struct table *t)
{
    static const char *const on_errors[] = {"dead-letter", "null", "fail"};
    jsonw_kstr(out, "connector", t->schema->connector);
    jsonw_ki64(out, "timeout_ms", t->timeout_ms);
    jsonw_ku64(out, "retries", t->retries);
    jsonw_ki64(out, "retry_delay_ms", t->retry_delay_ms);
    jsonw_ku64(out, "capacity", t->capacity);
    jsonw_ku64(out, "batch", t->batch);
    jsonw_ku64(out, "connections", t->connections);
    jsonw_ku64(out, "cache_rows", t->cache_rows);
    jsonw_ki64(out, "cache_ttl_ms", t->cache_ttl_ms);
    jsonw_kbool(out, "cache_missing", t->cache_missing);
    jsonw_kbool(out, "ordered", !t->unordered);
    jsonw_kstr(out, "on_error", on_errors[t->on_error]);
}

/* Over the workers, since they began. */
static void write_figures(struct api *a, struct bytes *out, const struct table *t)
{
    unsigned n = runtime_lookups(a->runtime, NULL, 0);
    struct runtime_lookups *l = mem_array(n + 1, sizeof *l);
    struct lookups_stats sum = {0};
    unsigned got = runtime_lookups(a->runtime, l, n);
    n = got < n ? got : n;
    for (unsigned i = 0; i < n; i++)
        if (l[i].uid == t->schema->id)
            lookups_add(&sum, &l[i].stats);
    mem_free(l);
    uint64_t answered = sum.asked - sum.timeouts - sum.in_flight;
    jsonw_key(out, "figures");
    jsonw_open(out, '{');
    jsonw_ku64(out, "rows", sum.rows);
    jsonw_ku64(out, "hits", sum.hits);
    jsonw_ku64(out, "missing", sum.missing);
    jsonw_ku64(out, "asked", sum.asked);
    jsonw_ku64(out, "requests", sum.requests);
    jsonw_ku64(out, "retries", sum.retries);
    jsonw_ku64(out, "timeouts", sum.timeouts);
    jsonw_ku64(out, "errors", sum.errors);
    jsonw_ku64(out, "in_flight", sum.in_flight);
    jsonw_ku64(out, "waiting", sum.waiting);
    jsonw_ku64(out, "cached", sum.cached);
    jsonw_ku64(out, "mean_us", answered > 0 ? sum.latency_us / answered : 0);
    jsonw_close(out, '}');
}

static void write_table(void *ctx, const struct catalog_text *k)
{
    struct api_define_listing *l = ctx;
    struct bytes *out = l->out;
    const struct table *t = runtime_table(l->api->runtime, k->name);
    if (t == NULL || (l->only != NULL && strcasecmp(l->only, k->name) != 0))
        return; /* NULL: being deleted */
    jsonw_open(out, '{');
    jsonw_kstr(out, "name", k->name);
    jsonw_kstr(out, "sql", k->sql);
    write_columns(out, t);
    write_options(out, t);
    write_figures(l->api, out, t);
    jsonw_ktime(out, "created", k->created);
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    runtime_table_rules(l->api->runtime, k->name, api_define_rule, out);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

void api_tables_list(struct httpcall *c, void *app)
{
    api_define_list(app, c, CATALOG_TABLE, write_table);
}

static void note_name(void *ctx, const struct catalog_text *t)
{
    api_define_note(ctx, t->name);
}

/* NULL: answered. */
static const struct table *find(struct api *a, struct httpcall *c)
{
    const char *name = httpcall_param(c, "t");
    const struct table *t = runtime_table(a->runtime, name);
    if (t)
        return t;
    struct api_define_names names = {0};
    enum err e = catalog_texts(a->reader, CATALOG_TABLE, note_name, &names);
    api_define_missing(c, "table", name, e, &names);
    return NULL;
}

static void answer_table(struct api *a, struct httpcall *c, const char *name, int status)
{
    api_define_one(a, c, CATALOG_TABLE, write_table, name, status);
}

void api_tables_get(struct httpcall *c, void *app)
{
    const struct table *t = find(app, c);
    if (t)
        answer_table(app, c, t->schema->name, 200);
}

/* --- creating and deleting ------------------------------------------------------------------------------------------ */

static void created(struct api *a, struct httpcall *c, const char *name)
{
    answer_table(a, c, name, 201);
}

static const char *name_of(const struct script *s)
{
    return s->n == 1 && s->statements[0].kind == STATEMENT_TABLE ? s->statements[0].name : NULL;
}

void api_tables_create(struct httpcall *c, void *app)
{
    static const struct api_define what = {
        .example = "as in {\"sql\": \"CREATE TABLE …\"}",
        .must = "one CREATE TABLE statement",
        .elsewhere = "streams go to POST /api/v1/streams, rules to POST /api/v1/rules",
        .bad = PROBLEM_INVALID_TABLE,
        .name = name_of,
        .created = created};
    api_define_create(app, c, &what);
}

void api_tables_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    const struct table *t = find(a, c);
    if (!t)
        return;
    struct api_change *ch =
        api_change_new(a, c, t->schema->name, PROBLEM_CONFLICT, api_define_deleted);
    enum err e = runtime_drop_table(a->runtime, t->schema->name, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
}
