/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks: made from SQL, shown with what was written and committed, what waits, what is wrong. */
#include "rules/compile.h"
#include "server/api/api.h"
#include "server/api/api_define.h"
#include "server/http/jsonw.h"
#include "server/run/runtimesink.h"
#include "state/catalog.h"
#include <string.h>
#include <strings.h>

static void write_figures(struct bytes *out, const struct sinks_state *x)
{
    const struct io_sink_stats *s = &x->stats;
    jsonw_key(out, "figures");
    jsonw_open(out, '{');
    jsonw_ku64(out, "lines", s->lines);
    jsonw_ku64(out, "committed_lines", s->committed_lines);
    jsonw_ku64(out, "committed_bytes", s->committed_bytes);
    jsonw_ku64(out, "parts", s->parts);
    jsonw_ku64(out, "pending_parts", s->pending_parts);
    jsonw_ku64(out, "pending_bytes", s->pending_bytes);
    jsonw_ku64(out, "open_bytes", s->open_bytes);
    jsonw_ku64(out, "waiting_bytes", s->waiting_bytes);
    jsonw_ktime(out, "committed_at", s->committed_at);
    jsonw_close(out, '}');
}

static void write_sink(void *ctx, const struct catalog_text *k)
{
    struct api_define_listing *l = ctx;
    struct bytes *out = l->out;
    struct sinks_state x;
    if ((l->only != NULL && strcasecmp(l->only, k->name) != 0) ||
        !runtimesink_look(l->api->runtime, k->name, &x))
        return; /* the latter: being deleted */
    jsonw_open(out, '{');
    jsonw_kstr(out, "name", k->name);
    jsonw_kstr(out, "sql", k->sql);
    jsonw_kstr(out, "connector", x.def->connector);
    jsonw_kstr(out, "path", x.def->path);
    jsonw_ku64(out, "roll_bytes", x.def->roll_bytes);
    jsonw_ki64(out, "roll_interval_ms", x.def->roll_interval_ms);
    jsonw_kstr(out, "promise", x.promise == IO_EXACTLY_ONCE ? "exactly-once" : "at-least-once");
    jsonw_kstr(out, "wrong", x.wrong[0] != '\0' ? x.wrong : NULL);
    write_figures(out, &x);
    jsonw_ktime(out, "created", k->created);
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    runtimesink_rules(l->api->runtime, k->name, api_define_rule, out);
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

void api_sinks_list(struct httpcall *c, void *app)
{
    api_define_list(app, c, CATALOG_SINK, write_sink);
}

/* False: answered. */
static bool find(struct api *a, struct httpcall *c, const char **name)
{
    struct api_define_names names = {0};
    const char *known = NULL;
    *name = httpcall_param(c, "s");
    if (runtimesink_look(a->runtime, *name, NULL))
        return true;
    for (unsigned i = 0; (known = runtimesink_name(a->runtime, i)) != NULL; i++)
        api_define_note(&names, known);
    api_define_missing(c, "sink", *name, ERR_OK, &names);
    return false;
}

static void answer_sink(struct api *a, struct httpcall *c, const char *name, int status)
{
    api_define_one(a, c, CATALOG_SINK, write_sink, name, status);
}

void api_sinks_get(struct httpcall *c, void *app)
{
    const char *name = NULL;
    if (find(app, c, &name))
        answer_sink(app, c, name, 200);
}

static void created(struct api *a, struct httpcall *c, const char *name)
{
    answer_sink(a, c, name, 201);
}

static const char *name_of(const struct script *s)
{
    return s->n == 1 && s->statements[0].kind == STATEMENT_SINK ? s->statements[0].name : NULL;
}

void api_sinks_create(struct httpcall *c, void *app)
{
    static const struct api_define what = {.example = "as in {\"sql\": \"CREATE SINK …\"}",
                                           .must = "one CREATE SINK statement",
                                           .elsewhere = "rules go to POST /api/v1/rules",
                                           .bad = PROBLEM_INVALID_SINK,
                                           .name = name_of,
                                           .created = created};
    api_define_create(app, c, &what);
}

void api_sinks_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    const char *name = NULL;
    if (!find(a, c, &name))
        return;
    struct api_change *ch = api_change_new(a, c, name, PROBLEM_CONFLICT, api_define_deleted);
    enum err e = runtimesink_drop(a->runtime, name, api_change_done, ch);
    api_change_started(ch, c, e, NULL);
}
