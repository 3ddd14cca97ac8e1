/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard: h2o's file handler between two of our own, one that says how long a file may be kept and one that
 * answers a page's address with index.html, since the pages are drawn in the browser. A filter turns what h2o answers by
 * itself (a broken length, too large a body) into the problems that all other answers are. */
#include "base/mem.h"
#include "server/http/http_h2o.h"
#include <sys/stat.h>

struct file_handler {
    h2o_handler_t super; /* first */
    struct http *http;
    char *index; /* path of index.html */
};

static void add_header(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 1, NULL, value,
                          strlen(value));
}

static bool ends_page(const char *path, size_t n)
{
    const char *slash = memrchr(path, '/', n);
    size_t from = slash ? (size_t)(slash - path) : 0;
    return memchr(path + from, '.', n - from) == NULL;
}

/* Vite puts a hash of the content into the names under assets/: those never change, all others may at any time. */
static int before_file(h2o_handler_t *self, h2o_req_t *req)
{
    struct http *h = ((struct file_handler *)self)->http;
    char id[HTTP_ID_MAX + 1];
    bool hashed =
        req->path_normalized.len > 8 && memcmp(req->path_normalized.base, "/assets/", 8) == 0;
    http_request_id(h, req, id);
    add_header(req, "x-request-id", h2o_strdup(&req->pool, id, SIZE_MAX).base);
    add_header(req, "cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    add_header(req, "x-content-type-options", "nosniff");
    add_header(req, "x-frame-options", "DENY");
    add_header(req, "referrer-policy", "same-origin");
    http_count(h, NULL, 200, timebase_mono_ns());
    return -1;
}

static int after_file(h2o_handler_t *self, h2o_req_t *req)
{
    struct file_handler *f = (struct file_handler *)self;
    size_t n = req->query_at == SIZE_MAX ? req->path.len : req->query_at;
    if (ends_page(req->path_normalized.base, req->path_normalized.len) &&
        h2o_file_send(req, 200, "OK", f->index, h2o_iovec_init(H2O_STRLIT("text/html")), 0) == 0)
        return 0;
    memset(&req->res.headers, 0, sizeof req->res.headers);
    httpcall_no_route(f->http, req, req->path.base, n);
    return 0;
}

static void free_index(h2o_handler_t *self)
{
    mem_free(((struct file_handler *)self)->index);
}

/* --- h2o's own answers ----------------------------------------------------------------------------------------- */

struct error_filter {
    h2o_filter_t super; /* first */
    struct http *http;
};
struct error_stream {
    h2o_ostream_t super; /* first */
    struct http *http;
};

static enum problem problem_of_status(int status)
{
    switch (status) {
    case 413:
        return PROBLEM_TOO_LARGE;
    case 404:
        return PROBLEM_NO_ROUTE;
    case 405:
        return PROBLEM_METHOD;
    case 503:
        return PROBLEM_NOT_READY;
    default:
        return status < 500 ? PROBLEM_BAD_REQUEST : PROBLEM_INTERNAL;
    }
}

static void send_problem(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n,
                         h2o_send_state_t state)
{
    struct http *h = ((struct error_stream *)self)->http;
    enum problem p = problem_of_status(req->res.status);
    struct bytes body = {0};
    char *said = n > 0 ? mem_dup(bufs[0].base, bufs[0].len) : NULL;
    if (p == PROBLEM_TOO_LARGE) {
        mem_free(said);
        said = mem_printf("the body has more than %zu bytes (--max-body)", h->o.max_body);
    }
    problem_write(&body, p, said, NULL, NULL);
    bytes_u8(&body, '\n');
    h2o_iovec_t v = h2o_strdup(&req->pool, (const char *)body.p, body.n);
    req->res.content_length = v.len; /* the header is written by the next in line, after this */
    http_count(h, NULL, req->res.status, timebase_mono_ns());
    if (!req->http1_is_persistent)
        http_linger(h, req);
    h2o_ostream_send_next(self, req, &v, n > 0, state);
    mem_free(said);
    bytes_fini(&body);
}

static void on_answer(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    static const char own[] = "text/plain; charset=utf-8";
    struct http *h = ((struct error_filter *)self)->http;
    ssize_t i = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    bool is_own = req->res.status >= 400 && i >= 0 &&
                  h2o_memis(req->res.headers.entries[i].value.base,
                            req->res.headers.entries[i].value.len, own, sizeof own - 1);
    if (!is_own) {
        h2o_setup_next_ostream(req, slot);
        return;
    }
    char id[HTTP_ID_MAX + 1];
    http_request_id(h, req, id);
    h2o_set_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, H2O_STRLIT(PROBLEM_TYPE),
                   1);
    add_header(req, "x-request-id", h2o_strdup(&req->pool, id, SIZE_MAX).base);
    struct error_stream *s = (struct error_stream *)h2o_add_ostream(req, sizeof *s, slot);
    s->super.do_send = send_problem;
    s->http = h;
    h2o_setup_next_ostream(req, &s->super.next);
}

static void add_filter(struct http *h, h2o_pathconf_t *path)
{
    struct error_filter *f = (struct error_filter *)h2o_create_filter(path, sizeof *f);
    f->super.on_setup_ostream = on_answer;
    f->http = h;
}

void httpfile_register(struct http *h, h2o_hostconf_t *host, h2o_pathconf_t *path)
{
    struct stat st;
    add_filter(h, path);
    add_filter(h, &host->fallback_path);
    char *index = h->o.web ? mem_printf("%s/index.html", h->o.web) : NULL;
    h->have_files = index && stat(index, &st) == 0;
    if (!h->have_files) {
        mem_free(index);
        return;
    }
    struct file_handler *before = (struct file_handler *)h2o_create_handler(path, sizeof *before);
    before->super.on_req = before_file;
    before->http = h;
    h2o_file_register(path, h->o.web, NULL, NULL, 0);
    struct file_handler *after = (struct file_handler *)h2o_create_handler(path, sizeof *after);
    after->super.on_req = after_file;
    after->super.dispose = free_index;
    after->http = h;
    after->index = index;
}
