/* SPDX-License-Identifier: Apache-2.0 */
/* Side outputs of a rule or a stream: LATE and ERRORS are dead letters, whatever became of them; TIMEOUTS are kept apart. */
#include "base/mem.h"
#include "server/api/alertjson.h"
#include "server/api/api.h"
#include "server/http/jsonw.h"
#include "state/catalog_dead.h"

enum { LIMIT = 50, LIMIT_MAX = 500 };

static void letters_of_stream(struct httpcall *c, struct api *a, const char *kind)
{
    const struct schema *s = api_streams_find(a, c, httpcall_param(c, "s"));
    struct catalog_dead_filter f = {.kind = kind, .not_of_rules = kind[0] == 'e'};
    if (!s)
        return;
    f.stream = s->id;
    api_dead_page(a, c, &f);
}

void api_sides_stream_late(struct httpcall *c, void *app)
{
    letters_of_stream(c, app, "late");
}

void api_sides_stream_errors(struct httpcall *c, void *app)
{
    letters_of_stream(c, app, "error");
}

static void letters_of_rule(struct httpcall *c, struct api *a, const char *kind)
{
    char *rule = api_rules_name(a, c);
    struct catalog_dead_filter f = {.kind = kind, .rule = rule};
    if (rule)
        api_dead_page(a, c, &f);
    mem_free(rule);
}

void api_sides_rule_late(struct httpcall *c, void *app)
{
    letters_of_rule(c, app, "late");
}

void api_sides_rule_errors(struct httpcall *c, void *app)
{
    letters_of_rule(c, app, "error");
}

struct page {
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
};

static void write_timeout(void *ctx, const struct catalog_timeout *t)
{
    struct page *p = ctx;
    char rule[ALERTJSON_RULE_ID];
    if (p->n++ >= p->limit)
        return;
    p->last = t->seq;
    alertjson_rule_id(t->rule_uid, rule);
    jsonw_open(p->out, '{');
    jsonw_kstr(p->out, "id", t->id);
    jsonw_ku64(p->out, "seq", t->seq);
    jsonw_kstr(p->out, "rule", t->rule_name);
    jsonw_kstr(p->out, "rule_id", rule);
    jsonw_ku64(p->out, "version", t->rule_version);
    jsonw_ktime(p->out, "time", t->time);
    jsonw_ktime(p->out, "created", t->created);
    jsonw_kraw(p->out, "key", t->key_json);
    jsonw_kraw(p->out, "row", t->row_json);
    jsonw_kraw(p->out, "vars", t->vars_json);
    jsonw_close(p->out, '}');
}

void api_sides_rule_timeouts(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t limit = 0, after = 0;
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &after))
        return;
    char *rule = api_rules_name(a, c);
    if (!rule)
        return;
    struct page p = {.out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(p.out);
    enum err e = catalog_timeouts_list(a->reader, rule, after, p.limit + 1, write_timeout, &p);
    if (e == ERR_OK) {
        api_page_close(p.out, p.n > p.limit, p.last);
        httpcall_json_reply(c, 200);
    } else {
        api_failed(c, e);
    }
    mem_free(rule);
}
