/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: created from SQL, shown with their columns, partitions and the rules that read them. */
#include "base/mem.h"
#include "server/api/api_define.h"
#include "server/http/jsonw.h"
#include <string.h>
#include <strings.h>

/* Everything that pages of streams need, read once a request. */
struct facts {
    struct api *api;
    struct runtime_partition *partitions;
    unsigned npartitions;
    struct {
        const struct schema *stream;
        char *rule;
    } * readers;
    size_t nreaders, cap;
};

static void note_rule(void *ctx, const struct catalog_rule *r)
{
    struct facts *f = ctx;
    struct rule_plan *plan = runtime_plan(f->api->runtime, r->uid);
    if (!plan)
        return;
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = plan_streams(plan, streams);
    f->readers = mem_grow(f->readers, f->nreaders, n, &f->cap, sizeof *f->readers);
    for (unsigned i = 0; i < n; i++) {
        f->readers[f->nreaders].stream = streams[i];
        f->readers[f->nreaders++].rule = mem_str(r->name);
    }
    plan_unref(plan);
}

static enum err read_facts(struct api *a, struct facts *f)
{
    *f = (struct facts){.api = a};
    unsigned n = runtime_partitions(a->runtime, NULL, 0);
    f->partitions = mem_array(n + 1, sizeof *f->partitions);
    f->npartitions = runtime_partitions(a->runtime, f->partitions, n);
    if (f->npartitions > n)
        f->npartitions = n;
    return catalog_rules_page(a->reader, 0, UINT32_MAX, note_rule, f);
}

static void free_facts(struct facts *f)
{
    for (size_t i = 0; i < f->nreaders; i++)
        mem_free(f->readers[i].rule);
    mem_free(f->readers);
    mem_free(f->partitions);
}

static void write_columns(struct bytes *out, const struct schema *s)
{
    char type[32];
    jsonw_key(out, "columns");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < s->ncolumns; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", s->columns[i].name);
        jsonw_kstr(out, "type", schema_type_name(s->columns[i].type, type));
        jsonw_kbool(out, "not_null", s->columns[i].not_null);
        jsonw_kbool(out, "computed", s->columns[i].computed != NULL);
        if (s->columns[i].path)
            jsonw_kstr(out, "path", s->columns[i].path);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_kstr(out, "time_column", s->time_column >= 0 ? s->columns[s->time_column].name : NULL);
    jsonw_ki64(out, "watermark_delay_ms", s->delay_ms);
}

static void write_partitions(struct bytes *out, const struct facts *f, uint32_t stream)
{
    jsonw_key(out, "partitions");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < f->npartitions; i++) {
        const struct runtime_partition *p = &f->partitions[i];
        if (p->stream_id != stream)
            continue;
        jsonw_open(out, '{');
        jsonw_ku64(out, "partition", p->partition);
        jsonw_ku64(out, "worker", p->worker);
        jsonw_ku64(out, "end", p->end);
        jsonw_ku64(out, "taken", p->taken);
        jsonw_ktime(out, "watermark", p->watermark);
        jsonw_kbool(out, "finished", p->finished);
        jsonw_ku64(out, "late", p->late);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

static void write_stream(struct bytes *out, const struct facts *f, const struct schema *s,
                         evtime created)
{
    jsonw_open(out, '{');
    jsonw_kstr(out, "name", s->name);
    jsonw_kstr(out, "sql", s->sql);
    jsonw_kstr(out, "connector", s->connector ? s->connector : "http");
    jsonw_ktime(out, "created", created);
    write_columns(out, s);
    write_partitions(out, f, s->id);
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    for (size_t i = 0; i < f->nreaders; i++)
        if (f->readers[i].stream == s)
            jsonw_str(out, f->readers[i].rule);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

struct listing {
    struct facts facts;
    struct bytes *out;
    const char *only; /* a name, or NULL for all */
};

static void list_stream(void *ctx, const struct catalog_text *s)
{
    struct listing *l = ctx;
    if (l->only && strcasecmp(l->only, s->name) != 0)
        return;
    const struct schema *schema = runtime_stream(l->facts.api->runtime, s->name);
    if (schema)
        write_stream(l->out, &l->facts, schema, s->created);
}

static enum err list(struct api *a, struct bytes *out, const char *only)
{
    struct listing l = {.out = out, .only = only};
    enum err e = read_facts(a, &l.facts);
    if (e == ERR_OK)
        e = catalog_texts(a->reader, CATALOG_STREAM, list_stream, &l);
    free_facts(&l.facts);
    return e;
}

void api_streams_list(struct httpcall *c, void *app)
{
    struct bytes *out = httpcall_out(c);
    api_page_open(out);
    enum err e = list(app, out, NULL);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(out, false, 0);
    httpcall_json_reply(c, 200);
}

static void answer_stream(struct api *a, struct httpcall *c, const char *name, int status)
{
    struct bytes *out = httpcall_out(c);
    enum err e = list(a, out, name);
    if (e != ERR_OK)
        api_failed(c, e);
    else
        httpcall_json_reply(c, status);
}

static void note_name(void *ctx, const struct catalog_text *s)
{
    api_define_note(ctx, s->name);
}

const struct schema *api_streams_find(struct api *a, struct httpcall *c, const char *name)
{
    const struct schema *s = runtime_stream(a->runtime, name);
    if (s)
        return s;
    struct api_define_names names = {0};
    enum err e = catalog_texts(a->reader, CATALOG_STREAM, note_name, &names);
    api_define_missing(c, "stream", name, e, &names);
    return NULL;
}

void api_streams_get(struct httpcall *c, void *app)
{
    const struct schema *s = api_streams_find(app, c, httpcall_param(c, "s"));
    if (s)
        answer_stream(app, c, s->name, 200);
}

/* --- creating --------------------------------------------------------------------------------------------------- */

static void created(struct api *a, struct httpcall *c, const char *name)
{
    char location[512];
    snprintf(location, sizeof location, "/api/v1/streams/%s", name);
    if (strpbrk(name, " %/?#\"\r\n") ==
        NULL) /* others would have to be escaped, and nobody follows this by hand */
        httpcall_add_header(c, "location", location);
    answer_stream(a, c, name, 201);
}

static const char *name_of(const struct script *s)
{
    return s->n == 1 && s->statements[0].kind == STATEMENT_STREAM ? s->statements[0].name : NULL;
}

void api_streams_create(struct httpcall *c, void *app)
{
    static const struct api_define what = {.example = "as in {\"sql\": \"CREATE STREAM …\"}",
                                           .must = "one CREATE STREAM statement",
                                           .elsewhere = "rules go to POST /api/v1/rules",
                                           .bad = PROBLEM_INVALID_STREAM,
                                           .name = name_of,
                                           .created = created};
    api_define_create(app, c, &what);
}

void api_streams_finish(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t partition = UINT64_MAX;
    const struct schema *s = api_streams_find(a, c, httpcall_param(c, "s"));
    if (!s || !httpcall_query_u64(c, "partition", UINT64_MAX, 0, s->partitions - 1, &partition))
        return;
    enum err e = runtime_finish(a->runtime, s->name, partition == UINT64_MAX ? -1 : (int)partition);
    if (e == ERR_CONFLICT)
        httpcall_problem(c, PROBLEM_FINISHED, NULL, "%s has ended already", s->name);
    else if (e != ERR_OK)
        api_failed(c, e);
    else
        answer_stream(a, c, s->name, 200);
}
