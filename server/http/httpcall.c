/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/httpcall.h"
#include "base/mem.h"
#include "server/http/http_h2o.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

enum { LATER_SECONDS = 30, NS = 1000000000 };

struct httplater {
    struct http *http;
    struct httpcall *call; /* NULL: the request is gone, or was answered with a time-out */
    void (*resume)(struct httpcall *c, void *state);
    void *state;
    montime deadline;
    h2o_linklist_t link;
};

/* --- the answer ----------------------------------------------------------------------------------------------- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {207, "Multi-Status"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {413, "Payload Too Large"},
                   {415, "Unsupported Media Type"},
                   {422, "Unprocessable Entity"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Other";
}

struct bytes *httpcall_out(struct httpcall *c)
{
    bytes_reset(&c->http->out);
    return &c->http->out;
}

void httpcall_add_header(struct httpcall *c, const char *lower_case_name, const char *value)
{
    h2o_req_t *req = c->req;
    h2o_iovec_t v = h2o_strdup(&req->pool, value, strlen(value));
    h2o_add_header_by_str(&req->pool, &req->res.headers, lower_case_name, strlen(lower_case_name),
                          1, NULL, v.base, v.len);
}

void httpcall_begin(struct httpcall *c, int status, const char *type)
{
    h2o_req_t *req = c->req;
    c->answered = true;
    req->res.status = status;
    req->res.reason = reason_of(status);
    if (type)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type,
                       strlen(type));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-request-id"), 0, NULL, c->id,
                          strlen(c->id));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CACHE_CONTROL, NULL,
                   H2O_STRLIT("no-store"));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("x-content-type-options"), 0,
                          NULL, H2O_STRLIT("nosniff"));
    http_count(c->http, c->match.route, status, c->began);
}

void httpcall_reply(struct httpcall *c, int status, const char *type)
{
    struct bytes *out = &c->http->out;
    httpcall_begin(c, status, type);
    c->req->res.content_length = out->n;
    h2o_send_inline(c->req, out->n ? (const char *)out->p : "", out->n);
}

void httpcall_json_reply(struct httpcall *c, int status)
{
    bytes_u8(&c->http->out, '\n'); /* so that curl's user gets his prompt back */
    httpcall_reply(c, status, "application/json");
}

static void problem_reply(struct httpcall *c, enum problem p)
{
    if (problem_status(p) == 429 || problem_status(p) == 503)
        httpcall_add_header(c, "retry-after", "1");
    bytes_u8(&c->http->out, '\n');
    httpcall_reply(c, problem_status(p), PROBLEM_TYPE);
}

void httpcall_problem(struct httpcall *c, enum problem p, const char *hint, const char *fmt, ...)
{
    char detail[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    problem_write(httpcall_out(c), p, detail, hint, NULL);
    problem_reply(c, p);
}

void httpcall_diag(struct httpcall *c, enum problem p, const struct diag *d)
{
    problem_write(httpcall_out(c), p, NULL, NULL, d);
    problem_reply(c, p);
}

/* --- the request ---------------------------------------------------------------------------------------------- */

const char *httpcall_param(struct httpcall *c, const char *name)
{
    for (unsigned i = 0; i < c->match.n; i++)
        if (strlen(name) == c->match.params[i].name_len &&
            memcmp(name, c->match.params[i].name, c->match.params[i].name_len) == 0)
            return c->params[i];
    return NULL;
}

const char *httpcall_query(struct httpcall *c, const char *name)
{
    for (unsigned i = 0; i < c->nquery; i++)
        if (strcmp(c->query[i].name, name) == 0)
            return c->query[i].value;
    return NULL;
}

const char *httpcall_whole(const char *text, char end, uint64_t most, uint64_t *out)
{
    char *rest = NULL;
    if (*text < '0' || *text > '9')
        return NULL;
    errno = 0;
    uint64_t v = strtoull(text, &rest, 10);
    if (errno != 0 || *rest != end || v > most)
        return NULL;
    *out = v;
    return rest;
}

bool httpcall_query_u64(struct httpcall *c, const char *name, uint64_t fallback, uint64_t least,
                        uint64_t most, uint64_t *out)
{
    const char *text = httpcall_query(c, name);
    uint64_t v = 0;
    *out = fallback;
    if (!text)
        return true;
    if (httpcall_whole(text, '\0', most, &v) && v >= least) {
        *out = v;
        return true;
    }
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                     "%s is '%s'; it must be a whole number from %" PRIu64 " to %" PRIu64, name,
                     text, least, most);
    return false;
}

const char *httpcall_header(struct httpcall *c, const char *lower_case_name)
{
    h2o_req_t *req = c->req;
    size_t n = strlen(lower_case_name);
    const h2o_token_t *token = h2o_lookup_token(lower_case_name, n);
    ssize_t i = token ? h2o_find_header(&req->headers, token, -1)
                      : h2o_find_header_by_str(&req->headers, lower_case_name, n, -1);
    if (i < 0)
        return NULL;
    h2o_iovec_t v = req->headers.entries[i].value;
    return h2o_strdup(&req->pool, v.base, v.len).base;
}

const char *httpcall_body(struct httpcall *c, size_t *n)
{
    *n = c->req->entity.base ? c->req->entity.len : 0;
    return *n ? c->req->entity.base : "";
}

const char *httpcall_id(struct httpcall *c)
{
    return c->id;
}

static void json_problem(struct httpcall *c, const char *body, size_t n, const json_error_t *error)
{
    struct diag d;
    unsigned at = error->position > 0 ? (unsigned)error->position - 1 : 0;
    diag_init(&d, body, n);
    if (n == 0)
        diag_say(&d, "empty", "send a JSON object", "the body is empty");
    else
        diag_error(&d, "syntax", (struct span){at, at + 1}, NULL, "%s", error->text);
    httpcall_diag(c, PROBLEM_BAD_JSON, &d);
    diag_fini(&d);
}

static void unknown_field(struct httpcall *c, const char *key, const char *names)
{
    const char *list[16];
    size_t n = 0;
    char *copy = mem_str(names), *rest = copy, *name = NULL;
    while (n < 16 && (name = strsep(&rest, " ")))
        list[n++] = name;
    const char *near = diag_nearest(key, list, n);
    char *hint =
        near ? mem_printf("did you mean '%s'?", near) : mem_printf("it may have: %s", names);
    httpcall_problem(c, PROBLEM_BAD_FIELD, hint, "the body has an unknown field '%.64s'", key);
    mem_free(hint);
    mem_free(copy);
}

json_t *httpcall_json(struct httpcall *c, const char *names)
{
    size_t n = 0;
    const char *body = httpcall_body(c, &n), *key = NULL;
    json_error_t error;
    json_t *value = NULL, *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        json_problem(c, body, n, &error);
        return NULL;
    }
    if (!json_is_object(root)) {
        httpcall_problem(c, PROBLEM_BAD_FIELD, NULL, "the body must be a JSON object");
        json_decref(root);
        return NULL;
    }
    json_object_foreach(root, key, value)
    {
        if (!route_names(names, key, strlen(key))) {
            unknown_field(c, key, names);
            json_decref(root);
            return NULL;
        }
    }
    return root;
}

/* --- what holds for every request ----------------------------------------------------------------------------- */

static void call_gone(void *p)
{
    struct httpcall *c = p;
    if (c->later)
        c->later->call = NULL;
}

static struct httpcall *new_call(struct http *h, h2o_req_t *req)
{
    struct httpcall *c = h2o_mem_alloc_shared(&req->pool, sizeof *c, call_gone);
    memset(c, 0, sizeof *c);
    c->req = req;
    c->http = h;
    c->began = timebase_mono_ns();
    http_request_id(h, req, c->id);
    return c;
}

static bool is_type(const char *type, size_t n, const char *wanted)
{
    size_t len = strlen(wanted);
    return n >= len && h2o_lcstris(type, len, wanted, len) &&
           (n == len || type[len] == ';' || type[len] == ' ');
}

/* A form of another site cannot send these types, which is the other half of what same_site guards. */
static bool check_type(struct httpcall *c, enum route_body body)
{
    static const char *const events[] = {"application/x-ndjson", "application/ndjson",
                                         "application/jsonl"};
    const char *type = httpcall_header(c, "content-type");
    size_t n = type ? strlen(type) : 0;
    if (is_type(type, n, "application/json"))
        return true;
    if (body == ROUTE_ITEMS && is_type(type, n, "text/csv"))
        return true;
    for (size_t i = 0; body >= ROUTE_EVENTS && i < sizeof events / sizeof *events; i++)
        if (is_type(type, n, events[i]))
            return true;
    const char *hint = body == ROUTE_ITEMS
                           ? "send -H 'Content-Type: application/json' (an array of items), "
                             "application/x-ndjson (one a line) or text/csv"
                       : body == ROUTE_EVENTS
                           ? "send -H 'Content-Type: application/json' (an object or an array of "
                             "objects) or application/x-ndjson (one object a line)"
                           : "send -H 'Content-Type: application/json'";
    if (n == 0)
        httpcall_problem(c, PROBLEM_MEDIA_TYPE, hint, "the request has no Content-Type");
    else
        httpcall_problem(c, PROBLEM_MEDIA_TYPE, hint, "the body's Content-Type is '%.100s'", type);
    return false;
}

/* Browsers name the page that asks; without a login yet, this is what keeps another site's page from changing rules. */
static bool same_site(struct httpcall *c)
{
    h2o_req_t *req = c->req;
    if (strcmp(c->match.route->method, "GET") == 0)
        return true;
    const char *origin = httpcall_header(c, "origin");
    const char *host = origin ? strstr(origin, "://") : NULL;
    if (!origin || (host && strlen(host + 3) == req->authority.len &&
                    memcmp(host + 3, req->authority.base, req->authority.len) == 0))
        return true;
    httpcall_problem(c, PROBLEM_CROSS_ORIGIN, NULL, "a page of %.100s asked for it", origin);
    return false;
}

static char *decode(struct httpcall *c, const char *p, size_t n, bool query)
{
    char *out = h2o_mem_alloc_pool(&c->req->pool, n + 1);
    return route_decode(p, n, query, out) ? out : NULL;
}

static bool read_params(struct httpcall *c)
{
    for (unsigned i = 0; i < c->match.n; i++) {
        c->params[i] = decode(c, c->match.params[i].p, c->match.params[i].len, false);
        if (!c->params[i]) {
            httpcall_problem(c, PROBLEM_BAD_PARAMETER, "percent signs are written %25",
                             "the address has a broken percent escape");
            return false;
        }
    }
    return true;
}

static void unknown_parameter(struct httpcall *c, const char *name)
{
    const char *known = c->match.route->query;
    char *hint = known ? mem_printf("it takes: %s", known) : mem_str("it takes none");
    httpcall_problem(c, PROBLEM_BAD_PARAMETER, hint, "unknown parameter '%.64s'", name);
    mem_free(hint);
}

static bool read_query(struct httpcall *c)
{
    h2o_req_t *req = c->req;
    if (req->query_at == SIZE_MAX)
        return true;
    const char *p = req->path.base + req->query_at + 1, *end = req->path.base + req->path.len;
    while (p < end) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        stop = stop ? stop : end;
        const char *equals = memchr(p, '=', (size_t)(stop - p));
        const char *name_end = equals ? equals : stop, *value = equals ? equals + 1 : stop;
        if (name_end > p) {
            char *name = decode(c, p, (size_t)(name_end - p), true);
            char *text = decode(c, value, (size_t)(stop - value), true);
            if (!name || !text) {
                httpcall_problem(c, PROBLEM_BAD_PARAMETER, "percent signs are written %25",
                                 "the query has a broken percent escape");
                return false;
            }
            if (c->nquery == HTTP_QUERY_MAX ||
                !route_names(c->match.route->query, name, strlen(name))) {
                unknown_parameter(c, name);
                return false;
            }
            c->query[c->nquery].name = name;
            c->query[c->nquery++].value = text;
        }
        p = stop < end ? stop + 1 : end;
    }
    return true;
}

void httpcall_dispatch(struct http *h, h2o_req_t *req, const struct route_match *m)
{
    struct httpcall *c = new_call(h, req);
    size_t n = 0;
    c->match = *m;
    if (!same_site(c))
        return;
    httpcall_body(c, &n);
    if (n > h->o.max_body) {
        httpcall_problem(c, PROBLEM_TOO_LARGE, "send it in several requests",
                         "the body has %zu bytes; %zu are the most (--max-body)", n, h->o.max_body);
        return;
    }
    if (m->route->body != ROUTE_NO_BODY && !check_type(c, m->route->body))
        return;
    if (read_params(c) && read_query(c))
        m->route->run(c, h->app.app);
}

void httpcall_no_method(struct http *h, h2o_req_t *req, const char *path, size_t n)
{
    struct httpcall *c = new_call(h, req);
    struct bytes allow = {0};
    route_allow(h->app.routes, h->app.nroutes, path, n, &allow);
    bytes_u8(&allow, '\0');
    httpcall_add_header(c, "allow", (const char *)allow.p);
    httpcall_problem(c, PROBLEM_METHOD, NULL, "%.*s takes %s, not %.*s", (int)(n < 200 ? n : 200),
                     path, (const char *)allow.p,
                     (int)(req->method.len < 20 ? req->method.len : 20), req->method.base);
    bytes_fini(&allow);
}

void httpcall_no_route(struct http *h, h2o_req_t *req, const char *path, size_t n)
{
    struct httpcall *c = new_call(h, req);
    char *near = route_nearest(h->app.routes, h->app.nroutes, path, n);
    char *hint =
        near ? mem_printf("did you mean %s?", near) : mem_str("GET /api/v1 lists what there is");
    httpcall_problem(c, PROBLEM_NO_ROUTE, hint, "there is nothing at %.*s",
                     (int)(n < 200 ? n : 200), path);
    mem_free(hint);
    mem_free(near);
}

/* --- answers that come later ---------------------------------------------------------------------------------- */

struct httplater *httpcall_later(struct httpcall *c,
                                 void (*resume)(struct httpcall *c, void *state), void *state)
{
    struct httplater *l = mem_new(sizeof *l);
    l->http = c->http;
    l->call = c;
    l->resume = resume;
    l->state = state;
    l->deadline = timebase_mono_ns() + (montime)LATER_SECONDS * NS;
    h2o_linklist_insert(&c->http->laters, &l->link);
    c->later = l;
    return l;
}

void httpcall_resume(struct httplater *l)
{
    struct http_message *m = mem_new(sizeof *m);
    m->kind = HTTP_RESUME;
    m->later = l;
    http_send(l->http, m);
}

void httpcall_later_done(struct httplater *l)
{
    struct httpcall *c = l->call;
    h2o_linklist_unlink(&l->link);
    if (c)
        c->later = NULL;
    l->resume(c, l->state);
    mem_free(l);
}

void httpcall_later_drop(struct httplater *l)
{
    h2o_linklist_unlink(&l->link);
    l->call->later = NULL;
    mem_free(l);
}

void httpcall_later_sweep(struct http *h, montime now)
{
    for (h2o_linklist_t *n = h->laters.next, *next = NULL; n != &h->laters; n = next) {
        struct httplater *l = H2O_STRUCT_FROM_MEMBER(struct httplater, link, n);
        struct httpcall *c = l->call;
        next = n->next;
        if (!c || now < l->deadline)
            continue;
        l->call = NULL; /* what comes after this finds nobody */
        c->later = NULL;
        httpcall_problem(c, PROBLEM_TIMEOUT, NULL, "no end was seen within %d s", LATER_SECONDS);
    }
}
