/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: looked at singly and in groups, put right, sent again, deleted. What is meant by a filter is the same for all
 * of these. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/json_split.h"
#include "server/http/jsonw.h"
#include "server/run/runtimememory.h"
#include "state/catalog_dead.h"
#include <string.h>

enum { LIMIT = 50, LIMIT_MAX = 500, SEND_MAX = 1000, BY_MAX = 1000, EVENT_MAX = 1 << 20 };

/* --- letters as JSON ------------------------------------------------------------------------------------------------ */

static void write_text(struct bytes *out, const char *key, const char *p, size_t n)
{
    jsonw_key(out, key);
    if (p)
        jsonw_strn(out, p, n);
    else
        jsonw_null(out);
}

static void write_edited(struct bytes *out, const struct catalog_dead_letter *d)
{
    jsonw_key(out, "edited");
    if (!d->edited) {
        jsonw_null(out);
        return;
    }
    jsonw_open(out, '{');
    write_text(out, "text", d->edited, d->edited_len);
    jsonw_ktime(out, "at", d->edited_at);
    jsonw_kstr(out, "by", d->edited_by);
    jsonw_close(out, '}');
}

static void write_sent(struct bytes *out, const struct catalog_dead_letter *d)
{
    jsonw_key(out, "sent");
    if (d->state != DEAD_SENT) {
        jsonw_null(out);
        return;
    }
    jsonw_open(out, '{');
    jsonw_ku64(out, "partition", d->sent_partition);
    jsonw_ku64(out, "offset", d->sent_offset);
    jsonw_ktime(out, "at", d->tried_at);
    jsonw_kstr(out, "by", d->tried_by);
    jsonw_close(out, '}');
}

static void write_letter(struct api *a, struct bytes *out, const struct catalog_dead_letter *d)
{
    const char *stream = runtime_stream_name(a->runtime, d->stream);
    const struct schema *s = stream ? runtime_stream(a->runtime, stream) : NULL;
    jsonw_open(out, '{');
    jsonw_ku64(out, "id", d->id);
    jsonw_kstr(out, "kind", d->kind);
    jsonw_kstr(out, "state", d->state == DEAD_SENT ? "sent" : "waiting");
    jsonw_kstr(out, "stream", stream);
    jsonw_ku64(out, "partition", d->partition);
    jsonw_key(out, "offset");
    if (d->offset == UINT64_MAX)
        jsonw_null(out);
    else
        jsonw_u64(out, d->offset);
    jsonw_kraw(out, "rules", d->rules_json);
    jsonw_kstr(out, "code", d->code);
    jsonw_kstr(out, "reason", d->reason);
    write_text(out, "raw", d->raw, d->raw_len);
    jsonw_ku64(out, "size", d->size);
    jsonw_kbool(out, "cut", d->raw && d->size > d->raw_len);
    jsonw_kbool(out, "sendable", s && strcmp(s->connector, "http") == 0 && d->state != DEAD_SENT);
    write_edited(out, d);
    jsonw_ku64(out, "tries", d->tries);
    jsonw_ktime(out, "tried_at", d->tried_at);
    jsonw_kstr(out, "tried_by", d->tried_by);
    write_sent(out, d);
    jsonw_ktime(out, "at", d->at);
    jsonw_close(out, '}');
}

struct page {
    struct api *api;
    struct bytes *out;
    unsigned n, limit;
    uint64_t last;
};

static void list_letter(void *ctx, const struct catalog_dead_letter *d)
{
    struct page *p = ctx;
    if (p->n++ >= p->limit)
        return;
    p->last = d->id;
    write_letter(p->api, p->out, d);
}

void api_dead_page(struct api *a, struct httpcall *c, struct catalog_dead_filter *f)
{
    uint64_t limit = 0;
    if (!httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit) ||
        !httpcall_query_u64(c, "after", 0, 0, INT64_MAX, &f->before_id))
        return;
    struct page p = {.api = a, .out = httpcall_out(c), .limit = (unsigned)limit};
    api_page_open(p.out);
    enum err e = catalog_deadlook_list(a->reader, f, p.limit + 1, list_letter, &p);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    api_page_close(p.out, p.n > p.limit, p.last);
    httpcall_json_reply(c, 200);
}

static void note_letter(void *ctx, const struct catalog_dead_letter *d)
{
    struct page *p = ctx;
    write_letter(p->api, p->out, d);
}

static void say_no_letter(struct httpcall *c, uint64_t id)
{
    httpcall_problem(c, PROBLEM_NOT_FOUND,
                     "deleted ones, and those beyond --dead-letters, are gone",
                     "there is no dead letter %llu", (unsigned long long)id);
}

static void answer_letter(struct api *a, struct httpcall *c, uint64_t id)
{
    struct page p = {.api = a, .out = httpcall_out(c)};
    enum err e = catalog_deadlook_get(a->reader, id, note_letter, &p);
    if (e == ERR_OK)
        httpcall_json_reply(c, 200);
    else if (e == ERR_NOT_FOUND)
        say_no_letter(c, id);
    else
        api_failed(c, e);
}

/* --- what is asked for ---------------------------------------------------------------------------------------------- */

static const char *given(struct httpcall *c, const char *name)
{
    const char *text = httpcall_query(c, name);
    return text && *text ? text : NULL;
}

static bool one_of(struct httpcall *c, const char *name, const char *value, const char *const *may)
{
    for (unsigned i = 0; may[i]; i++)
        if (strcmp(value, may[i]) == 0)
            return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "'%s' is '%.50s'; it may be %s or %s%s%s",
                     name, value, may[0], may[1], may[2] ? " or " : "", may[2] ? may[2] : "");
    return false;
}

/* state: those meant if none is given. */
static bool read_filter(struct api *a, struct httpcall *c, const char *state,
                        struct catalog_dead_filter *f)
{
    static const char *const kinds[] = {"error", "late", NULL};
    static const char *const states[] = {"waiting", "sent", "all", NULL};
    const char *stream = given(c, "stream"), *asked = given(c, "state");
    state = asked ? asked : state;
    *f = (struct catalog_dead_filter){.kind = given(c, "kind"),
                                      .rule = given(c, "rule"),
                                      .code = given(c, "code"),
                                      .reason = given(c, "reason"),
                                      .contains = given(c, "contains")};
    if ((f->kind && !one_of(c, "kind", f->kind, kinds)) || !one_of(c, "state", state, states))
        return false;
    f->waiting = strcmp(state, "waiting") == 0;
    f->sent = strcmp(state, "sent") == 0;
    if (!stream)
        return true;
    const struct schema *s = api_streams_find(a, c, stream);
    if (s)
        f->stream = s->id;
    return s != NULL;
}

static bool read_by(struct httpcall *c, const char **by)
{
    *by = given(c, "by");
    if (!*by || strlen(*by) <= BY_MAX)
        return true;
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "'by' is longer than %d bytes", (int)BY_MAX);
    return false;
}

static bool read_id(struct httpcall *c, uint64_t *id)
{
    const char *text = httpcall_param(c, "id");
    size_t n = strlen(text);
    *id = 0;
    for (size_t i = 0; i < n && n < 19; i++) {
        if (text[i] < '0' || text[i] > '9') {
            *id = 0;
            break;
        }
        *id = *id * 10 + (uint64_t)(text[i] - '0');
    }
    if (*id > 0)
        return true;
    httpcall_problem(c, PROBLEM_NOT_FOUND,
                     "letters have numbers; GET /api/v1/dead_letters lists them",
                     "there is no dead letter '%.200s'", text);
    return false;
}

/* --- looking -------------------------------------------------------------------------------------------------------- */

void api_dead_list(struct httpcall *c, void *app)
{
    struct catalog_dead_filter f;
    if (read_filter(app, c, "waiting", &f))
        api_dead_page(app, c, &f);
}

void api_dead_get(struct httpcall *c, void *app)
{
    uint64_t id = 0;
    if (read_id(c, &id))
        answer_letter(app, c, id);
}

struct grouping {
    struct page page;
    const struct catalog_dead_by *by;
};

static void write_group(void *ctx, const struct catalog_dead_group *g)
{
    struct grouping *all = ctx;
    struct bytes *out = all->page.out;
    if (all->page.n++ >= all->page.limit)
        return;
    jsonw_open(out, '{');
    if (all->by->kind)
        jsonw_kstr(out, "kind", g->kind);
    if (all->by->stream)
        jsonw_kstr(out, "stream", runtime_stream_name(all->page.api->runtime, g->stream));
    if (all->by->rule)
        jsonw_kstr(out, "rule", g->rule);
    if (all->by->code)
        jsonw_kstr(out, "code", g->code);
    if (all->by->reason)
        jsonw_kstr(out, "reason", g->reason);
    jsonw_ku64(out, "count", g->n);
    jsonw_ku64(out, "newest", g->newest);
    jsonw_ktime(out, "first", g->first);
    jsonw_ktime(out, "last", g->last);
    jsonw_close(out, '}');
}

/* "kind,stream,code" */
static bool read_by_what(struct httpcall *c, struct catalog_dead_by *by)
{
    const char *text = given(c, "by");
    if (!text)
        text = "kind,stream,code,reason";
    while (*text) {
        size_t n = strcspn(text, ",");
        const struct {
            const char *name;
            bool *to;
        } all[] = {{"kind", &by->kind},
                   {"stream", &by->stream},
                   {"rule", &by->rule},
                   {"code", &by->code},
                   {"reason", &by->reason}};
        size_t i = 0, names = sizeof all / sizeof *all;
        while (i < names && (strlen(all[i].name) != n || memcmp(all[i].name, text, n) != 0))
            i++;
        if (i == names) {
            httpcall_problem(c, PROBLEM_BAD_PARAMETER, "as in by=kind,stream,code",
                             "'by' has '%.*s'; there are kind, stream, rule, code, reason",
                             (int)(n < 50 ? n : 50), text);
            return false;
        }
        *all[i].to = true;
        text += n + (text[n] == ',');
    }
    return true;
}

void api_dead_groups(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_dead_filter f;
    struct catalog_dead_by by = {0};
    uint64_t limit = 0;
    if (!read_filter(a, c, "waiting", &f) || !read_by_what(c, &by) ||
        !httpcall_query_u64(c, "limit", LIMIT, 1, LIMIT_MAX, &limit))
        return;
    struct grouping g = {{.api = a, .out = httpcall_out(c), .limit = (unsigned)limit}, &by};
    jsonw_open(g.page.out, '{');
    jsonw_key(g.page.out, "data");
    jsonw_open(g.page.out, '[');
    enum err e = catalog_deadlook_groups(a->reader, &f, &by, g.page.limit + 1, write_group, &g);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    jsonw_close(g.page.out, ']');
    jsonw_kbool(g.page.out, "has_more", g.page.n > g.page.limit);
    jsonw_close(g.page.out, '}');
    httpcall_json_reply(c, 200);
}

/* --- putting right -------------------------------------------------------------------------------------------------- */

void api_dead_edit(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t id = 0;
    size_t n = 0;
    const char *by = NULL, *body = httpcall_body(c, &n);
    struct json_split_text text = {NULL, 0};
    if (!read_id(c, &id) || !read_by(c, &by))
        return;
    json_t *root = httpcall_json(c, "event");
    if (!root)
        return;
    const json_t *event = json_object_get(root, "event");
    bool back = json_is_null(event);
    bool good = back || (json_is_object(event) && json_split_member(body, n, &text) == ERR_OK);
    json_decref(root);
    if (!good) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, "{\"event\": {…}}; null: as it came",
                         "'event' must be a JSON object, or null");
        return;
    }
    if (text.n > EVENT_MAX) {
        httpcall_problem(c, PROBLEM_TOO_LARGE, NULL, "the event is longer than %d bytes",
                         (int)EVENT_MAX);
        return;
    }
    enum err e = runtime_edit_letter(a->runtime, id, back ? NULL : text.p, text.n, by);
    if (e == ERR_OK)
        answer_letter(a, c, id);
    else if (e == ERR_NOT_FOUND)
        say_no_letter(c, id);
    else if (e == ERR_CONFLICT)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "dead letter %llu has been sent again",
                         (unsigned long long)id);
    else
        api_failed(c, e);
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

struct state_of {
    bool sent;
};

static void note_state(void *ctx, const struct catalog_dead_letter *d)
{
    ((struct state_of *)ctx)->sent = d->state == DEAD_SENT;
}

static void say_backpressure(struct api *a, struct httpcall *c)
{
    if (runtimememory_level(a->runtime) >= MEMWATCH_FULL)
        httpcall_problem(c, PROBLEM_BACKPRESSURE, "GET /api/v1/workers shows what takes it",
                         "memory is nearly at --memory-total; what was not sent waits on");
    else
        httpcall_problem(c, PROBLEM_BACKPRESSURE, NULL,
                         "the backlog of events that no worker has taken yet is at its limit "
                         "(--max-backlog); what was not sent waits on");
}

void api_dead_replay(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_dead_filter f = {.waiting = true};
    struct runtime_sent sent;
    struct state_of state = {false};
    const char *by = NULL;
    if (!read_id(c, &f.id) || !read_by(c, &by))
        return;
    enum err e = catalog_deadlook_get(a->reader, f.id, note_state, &state);
    if (e == ERR_OK && !state.sent)
        e = runtime_send_letters(a->runtime, &f, 1, by, &sent);
    if (e == ERR_NOT_FOUND)
        say_no_letter(c, f.id);
    else if (e == ERR_AGAIN)
        say_backpressure(a, c);
    else if (e != ERR_OK)
        api_failed(c, e);
    else if (state.sent)
        httpcall_problem(c, PROBLEM_CONFLICT, "send the event itself to send it once more",
                         "dead letter %llu has been sent again already", (unsigned long long)f.id);
    else if (sent.refused > 0)
        httpcall_problem(c, PROBLEM_INVALID_EVENT,
                         "PATCH /api/v1/dead_letters/{id} puts it right; it waits on", "%s",
                         sent.why);
    else if (sent.not_sendable > 0)
        httpcall_problem(c, PROBLEM_CONFLICT, NULL, "%s", sent.why);
    else
        answer_letter(a, c, f.id);
}

void api_dead_replay_all(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_dead_filter f;
    struct runtime_sent sent;
    uint64_t limit = 0, left = 0;
    const char *by = NULL;
    if (!read_filter(a, c, "waiting", &f) || !read_by(c, &by) ||
        !httpcall_query_u64(c, "limit", SEND_MAX, 1, SEND_MAX, &limit) ||
        !httpcall_query_u64(c, "up_to", 0, 0, INT64_MAX, &f.up_to))
        return;
    f.waiting = true;
    f.sent = false;
    enum err e = runtime_send_letters(a->runtime, &f, (unsigned)limit, by, &sent);
    if (e == ERR_AGAIN && sent.sent + sent.refused == 0) {
        say_backpressure(a, c);
        return;
    }
    if (e == ERR_OK || e == ERR_AGAIN)
        e = catalog_deadlook_count(a->reader, &f, &left);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    struct bytes *out = httpcall_out(c);
    jsonw_open(out, '{');
    jsonw_ku64(out, "sent", sent.sent);
    jsonw_ku64(out, "refused", sent.refused);
    jsonw_ku64(out, "not_sendable", sent.not_sendable);
    jsonw_ku64(out, "waiting", left);
    jsonw_kstr(out, "why", sent.why[0] ? sent.why : NULL);
    jsonw_close(out, '}');
    httpcall_json_reply(c, 200);
}

/* --- deleting ------------------------------------------------------------------------------------------------------- */

void api_dead_delete(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_dead_filter f = {0};
    uint64_t deleted = 0;
    const char *by = NULL;
    if (!read_id(c, &f.id) || !read_by(c, &by))
        return;
    enum err e = runtime_delete_letters(a->runtime, &f, by, &deleted);
    if (e != ERR_OK) {
        api_failed(c, e);
    } else if (deleted == 0) {
        say_no_letter(c, f.id);
    } else {
        httpcall_out(c);
        httpcall_reply(c, 204, NULL);
    }
}

void api_dead_delete_all(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct catalog_dead_filter f;
    uint64_t deleted = 0;
    const char *by = NULL;
    if (!read_filter(a, c, "waiting", &f) || !read_by(c, &by) ||
        !httpcall_query_u64(c, "up_to", 0, 0, INT64_MAX, &f.up_to))
        return;
    if (!f.kind && !f.rule && !f.code && !f.reason && !f.contains && f.stream == 0 &&
        f.up_to == 0) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER,
                         "up_to=<the newest id that you have seen> deletes all up to that",
                         "nothing says which dead letters are to be deleted");
        return;
    }
    enum err e = runtime_delete_letters(a->runtime, &f, by, &deleted);
    if (e != ERR_OK) {
        api_failed(c, e);
        return;
    }
    struct bytes *out = httpcall_out(c);
    jsonw_open(out, '{');
    jsonw_ku64(out, "deleted", deleted);
    jsonw_close(out, '}');
    httpcall_json_reply(c, 200);
}
