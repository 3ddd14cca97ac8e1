/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over a socket, with a fake runtime behind it: what only shows with control over both of its sides. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/http.h"
#include "tests/lib/check.h"
#include "tests/lib/fake_runtime.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_BODY = 4096, MAX_EVENTS = 10, MAX_LIVE = 3, MAX_CONNECTIONS = 6, WAIT_MS = 5000 };

static const char stream_sql[] =
    "CREATE STREAM payments (card STRING NOT NULL, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL,"
    " WATERMARK FOR ts AS ts) WITH ('partitions'='2')";

struct server {
    char dir[64];
    struct http *http;
    struct api *api;
    struct runtime *runtime;
    struct catalog *reader;
    pthread_t thread;
    bool running;
};

static void on_alert(void *ctx, uint64_t seq, const char *json, size_t n)
{
    sse_alert(((struct server *)ctx)->api->sse, seq, json, n);
}

static void tick(void *app)
{
    sse_tick(((struct api *)app)->sse);
}

static void woken(void *app)
{
    sse_woken(((struct api *)app)->sse);
}

static void stopping(void *app)
{
    sse_end(((struct api *)app)->sse);
}

static void *run(void *arg)
{
    struct server *s = arg;
    const struct http_app app = {.routes = api_routes,
                                 .nroutes = api_nroutes,
                                 .app = s->api,
                                 .tick = tick,
                                 .woken = woken,
                                 .stopping = stopping};
    http_run(s->http, &app);
    return NULL;
}

static int set_up(void **state)
{
    struct server *s = mem_new(sizeof *s);
    char path[128];
    struct diag d;
    signal(SIGPIPE, SIG_IGN);
    snprintf(s->dir, sizeof s->dir, "/tmp/weir-server-XXXXXX");
    if (!mkdtemp(s->dir))
        return -1;
    snprintf(path, sizeof path, "%s/catalogue.db", s->dir);
    diag_init(&d, NULL, 0);
    const struct http_options o = {.bind = "127.0.0.1",
                                   .max_body = MAX_BODY,
                                   .max_connections = MAX_CONNECTIONS,
                                   .request_timeout_ms = 600,
                                   .shutdown_timeout_ms = 3000};
    const struct runtime_options ro = {.data = s->dir};
    assert_ok(http_listen(&o, &d, &s->http));
    s->api = api_new(s->http, NULL, NULL, MAX_EVENTS, MAX_LIVE);
    assert_ok(runtime_start(&ro, on_alert, s, &d, &s->runtime));
    assert_ok(catalog_reader(path, &s->reader));
    s->api->runtime = s->runtime;
    s->api->reader = s->reader;
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
    s->running = true;
    *state = s;
    return 0;
}

static void stop(struct server *s)
{
    if (s->running)
        http_stop(s->http);
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
}

static int tear_down(void **state)
{
    struct server *s = *state;
    char command[128];
    stop(s);
    runtime_stop(s->runtime);
    catalog_close(s->reader);
    api_free(s->api);
    http_free(s->http);
    snprintf(command, sizeof command, "rm -r %s", s->dir);
    int code = system(command);
    mem_free(s);
    return code;
}

/* --- a client --------------------------------------------------------------------------------------------------- */

static int connect_to(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(s->http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return; /* the server may have closed already, which the answer tells */
        p += w;
        n -= (size_t)w;
    }
}

/* Adds what comes until `until` is in it, or the end (until NULL), or time is over. False: it did not come. */
static bool get(int fd, struct bytes *in, const char *until)
{
    for (;;) {
        bytes_reserve(in, 1)[0] = '\0';
        if (until && strstr((char *)in->p, until))
            return true;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, WAIT_MS) != 1)
            return false;
        ssize_t n = recv(fd, bytes_reserve(in, 4097), 4096, 0);
        if (n <= 0) {
            in->p[in->n] = '\0';
            return until == NULL;
        }
        in->n += (size_t)n;
    }
}

static char *talk(struct server *s, const char *request, size_t n)
{
    struct bytes in = {0};
    int fd = connect_to(s);
    put(fd, request, n);
    get(fd, &in, NULL);
    close(fd);
    return (char *)in.p;
}

static char *ask(struct server *s, const char *method, const char *path, const char *type,
                 const char *body)
{
    char *text = mem_printf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s%s"
                            "Content-Length: %zu\r\n\r\n%s",
                            method, path, type ? "Content-Type: " : "", type ? type : "",
                            type ? "\r\n" : "", strlen(body), body);
    char *answer = talk(s, text, strlen(text));
    mem_free(text);
    return answer;
}

static void assert_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void expect(struct server *s, const char *method, const char *path, const char *body,
                   const char *a, const char *b)
{
    char *answer = ask(s, method, path, *body ? "application/json" : NULL, body);
    assert_in(answer, a);
    assert_in(answer, b);
    mem_free(answer);
}

static void create(struct server *s)
{
    char *body = mem_printf("{\"sql\": \"%s\"}", stream_sql);
    expect(s, "POST", "/api/v1/streams", body, "201 Created", "\"name\":\"payments\"");
    mem_free(body);
    expect(s, "POST", "/api/v1/rules",
           "{\"name\": \"spend\", \"sql\": \"SELECT card FROM payments WHERE amount > 5\"}",
           "201 Created", "\"name\":\"spend\"");
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

static void events_are_counted_and_refused_one_by_one(void **state)
{
    struct server *s = *state;
    create(s);
    expect(s, "POST", "/api/v1/streams/payments/events?partition=1", "[{\"a\":1.50}, 7, {}]",
           "207 Multi",
           "{\"accepted\":2,\"rejected\":1,\"partition\":1,\"first_offset\":0,"
           "\"last_offset\":1,\"rows\":[{\"index\":1,\"status\":\"rejected\"");
    expect(s, "POST", "/api/v1/streams/payments/events?rows=all", "{\"a\":1}", "202 Accepted",
           "\"rows\":[{\"index\":0,\"status\":\"accepted\",\"offset\":0}]");
    expect(s, "POST", "/api/v1/streams/payments/events", "7", "422 ", "/problems/invalid-event");
    expect(s, "GET", "/api/v1/streams/payments/events?partition=1&limit=1", "", "200 OK",
           "\"offset\":1,\"event\":{}}]");
    expect(s, "GET", "/api/v1/streams/payments/events?partition=1", "", "200 OK", "{\"a\":1.50}");
}

static void a_body_is_bounded_in_bytes_and_events(void **state)
{
    struct server *s = *state;
    create(s);
    char *big = mem_printf("{\"a\":\"%0*d\"}", MAX_BODY, 0), *huge = mem_printf("%0*d", 1 << 20, 0);
    expect(s, "POST", "/api/v1/streams/payments/events", big, "413 ", "/problems/body-too-large");
    expect(s, "POST", "/api/v1/streams/payments/events", huge, "413 ", "/problems/body-too-large");
    expect(s, "POST", "/api/v1/streams/payments/events", "[1,1,1,1,1,1,1,1,1,1,1]", "413 ",
           "/problems/too-many-events");
    mem_free(big);
    mem_free(huge);
}

static void backpressure_says_when_to_come_again(void **state)
{
    struct server *s = *state;
    create(s);
    atomic_store(&fake_runtime_knobs(s->runtime)->backpressure, true);
    expect(s, "POST", "/api/v1/streams/payments/events", "{}", "429 ", "retry-after: 1");
    atomic_store(&fake_runtime_knobs(s->runtime)->backpressure, false);
    expect(s, "POST", "/api/v1/streams/payments/events", "{}", "202 ", "\"accepted\":1");
    expect(s, "POST", "/api/v1/streams/payments:finish?partition=0", "", "200 ",
           "\"finished\":true");
    expect(s, "POST", "/api/v1/streams/payments/events", "{}", "409 ", "/problems/stream-finished");
    expect(s, "POST", "/api/v1/streams/payments:finish?partition=0", "", "409 ", "stream-finished");
}

static void readiness_follows_the_runtime(void **state)
{
    struct server *s = *state;
    expect(s, "GET", "/readyz", "", "200 ", "ready");
    atomic_store(&fake_runtime_knobs(s->runtime)->not_ready, true);
    expect(s, "GET", "/readyz", "", "503 ", "/problems/not-ready");
    expect(s, "GET", "/healthz", "", "200 ", "ok");
}

/* The change ends when its request is long gone: the answer has nobody to go to, and nothing is touched. */
static void a_client_that_leaves_does_not_stop_its_change(void **state)
{
    struct server *s = *state;
    create(s);
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, true);
    int fd = connect_to(s);
    static const char pause[] = "POST /api/v1/rules/spend:pause HTTP/1.1\r\nHost: x\r\n\r\n";
    put(fd, pause, strlen(pause));
    usleep(50000);
    close(fd);
    expect(s, "GET", "/healthz", "", "200 ", "ok");
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, false);
    usleep(50000);
    expect(s, "GET", "/api/v1/rules/spend", "", "200 ", "\"mode\":\"paused\"");
}

static int listen_live(struct server *s, const char *path, struct bytes *in)
{
    char request[256];
    int fd = connect_to(s);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    put(fd, request, strlen(request));
    assert_true(get(fd, in, "retry: 2000"));
    return fd;
}

static void the_live_stream_replays_and_then_goes_on(void **state)
{
    struct server *s = *state;
    struct bytes a = {0}, b = {0};
    uint64_t seq = 0;
    fake_runtime_alert(s->runtime, "alt_1", 1, &seq);
    fake_runtime_alert(s->runtime, "alt_2", 1, &seq);
    int from_start = listen_live(s, "/api/v1/alerts/stream?after=0", &a);
    int from_now = listen_live(s, "/api/v1/alerts/stream", &b);
    assert_true(get(from_start, &a, "alt_2"));
    fake_runtime_alert(s->runtime, "alt_3", 1, &seq);
    assert_true(get(from_start, &a, "id: 3\nevent: alert\ndata: {\"id\":\"alt_3\""));
    assert_true(get(from_now, &b, "alt_3"));
    assert_in((char *)a.p, "id: 1\nevent: alert");
    assert_null(strstr((char *)b.p, "alt_2"));
    close(from_start);
    close(from_now);
    bytes_fini(&a);
    bytes_fini(&b);
}

/* More than one page of the catalogue and more than the socket holds: nothing is left out, nothing comes twice. */
static void a_long_replay_is_whole_and_in_order(void **state)
{
    struct server *s = *state;
    struct bytes in = {0};
    enum { ALERTS = 700, BYTES = 2000 };
    uint64_t seq = 0;
    char id[32];
    for (int i = 1; i <= ALERTS; i++) {
        snprintf(id, sizeof id, "alt_%d", i);
        fake_runtime_alert(s->runtime, id, BYTES, &seq);
    }
    int fd = listen_live(s, "/api/v1/alerts/stream?after=0", &in);
    usleep(100000);
    fake_runtime_alert(s->runtime, "alt_last", 1, &seq);
    assert_true(get(fd, &in, "alt_last"));
    const char *p = (const char *)in.p;
    for (uint64_t i = 1; i <= seq; i++) {
        snprintf(id, sizeof id, "id: %d\n", (int)i);
        p = strstr(p, id);
        assert_non_null(p);
        p += strlen(id);
    }
    assert_null(strstr(p, "id: "));
    close(fd);
    bytes_fini(&in);
}

static void a_reader_that_does_not_read_is_cut_off(void **state)
{
    struct server *s = *state;
    struct bytes in = {0}, healthy = {0};
    uint64_t seq = 0;
    char id[32];
    int fd = listen_live(s, "/api/v1/alerts/stream", &in);
    int other = listen_live(s, "/api/v1/alerts/stream", &healthy);
    for (int i = 0; i < 400; i++) { /* 20 MB: past what the server and both sockets hold */
        snprintf(id, sizeof id, "alt_%d", i);
        fake_runtime_alert(s->runtime, id, 50000, &seq);
        assert_true(get(other, &healthy, id));
        bytes_reset(&healthy);
    }
    while (get(fd, &in, NULL) && in.n == 0)
        ;
    expect(s, "GET", "/metrics", "", "weir_http_live_readers_cut_total 1", "live_readers 1");
    close(fd);
    close(other);
    bytes_fini(&in);
    bytes_fini(&healthy);
}

static void live_readers_are_bounded(void **state)
{
    struct server *s = *state;
    struct bytes in[MAX_LIVE] = {0};
    int fd[MAX_LIVE];
    for (int i = 0; i < MAX_LIVE; i++) {
        fd[i] = listen_live(s, "/api/v1/overview/stream", &in[i]);
        assert_true(get(fd[i], &in[i], "event: overview\ndata: {"));
    }
    expect(s, "GET", "/api/v1/alerts/stream", "", "503 ", "/problems/too-many-live-readers");
    for (int i = 0; i < MAX_LIVE; i++) {
        close(fd[i]);
        bytes_fini(&in[i]);
    }
}

static void connections_past_the_bound_wait_their_turn(void **state)
{
    struct server *s = *state;
    int fd[MAX_CONNECTIONS];
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        fd[i] = connect_to(s);
    usleep(50000);
    int late = connect_to(s);
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    put(late, request, strlen(request));
    struct pollfd p = {.fd = late, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100), 0);
    close(fd[0]);
    struct bytes in = {0};
    assert_true(get(late, &in, "200 OK"));
    bytes_fini(&in);
    close(late);
    for (int i = 1; i < MAX_CONNECTIONS; i++)
        close(fd[i]);
}

static void half_a_request_is_given_up_in_time(void **state)
{
    struct server *s = *state;
    static const char half[] =
        "POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{";
    struct bytes in = {0};
    int fd = connect_to(s);
    put(fd, half, strlen(half));
    assert_true(get(fd, &in, NULL)); /* the end of the connection */
    close(fd);
    bytes_fini(&in);
}

static void broken_http_is_a_problem(void **state)
{
    struct server *s = *state;
    static const struct {
        const char *request, *part;
    } cases[] = {{"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n{",
                  "/problems/bad-request"},
                 {"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{",
                  "/problems/bad-request"},
                 {"POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{",
                  "/problems/body-too-large"},
                 {"nonsense\r\n\r\n", "400 Bad Request"},
                 {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 Bad Request"}, /* HTTP/2 is not spoken */
                 {"GET /api/v1/rules/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  "/problems/bad-parameter"},
                 {"GET /api/v1/alerts?limt=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  "unknown parameter 'limt'"},
                 {"GET /api/v1/alerts?limit=-1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  "limit is '-1'"},
                 {"PATCH /api/v1/rules HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  "allow: POST, GET, HEAD"},
                 {"POST /api/v1/rules/spend:pause HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\n"
                  "Connection: close\r\n\r\n",
                  "/problems/cross-origin"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *answer = talk(s, cases[i].request, strlen(cases[i].request));
        assert_in(answer, cases[i].part);
        mem_free(answer);
    }
    expect(s, "GET", "/healthz", "", "200 ", "x-request-id: ");
}

static void stopping_lets_a_request_end_and_closes_live_streams(void **state)
{
    struct server *s = *state;
    create(s);
    struct bytes live = {0}, in = {0};
    int idle = connect_to(s), fd = connect_to(s);
    int reader = listen_live(s, "/api/v1/alerts/stream", &live);
    static const char pause[] = "POST /api/v1/rules/spend:pause HTTP/1.1\r\nHost: x\r\n\r\n";
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, true);
    put(fd, pause, strlen(pause));
    usleep(100000);
    http_stop(s->http);
    assert_true(get(reader, &live, NULL));
    assert_true(get(idle, &in, NULL));
    assert_int_equal(in.n, 0);
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, false);
    assert_true(get(fd, &in, "\"mode\":\"paused\""));
    stop(s);
    close(fd);
    close(idle);
    close(reader);
    bytes_fini(&live);
    bytes_fini(&in);
}

static void a_taken_port_is_told(void **state)
{
    struct server *s = *state;
    struct diag d;
    struct http *second = NULL;
    const struct http_options o = {.bind = "127.0.0.1", .port = http_port(s->http)};
    diag_init(&d, NULL, 0);
    assert_err(http_listen(&o, &d, &second), ERR_IN_USE);
    assert_in(d.items[0].message, "is in use by another process");
    assert_in(d.items[0].hint, "--port");
    diag_fini(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(events_are_counted_and_refused_one_by_one),
              T(a_body_is_bounded_in_bytes_and_events), T(backpressure_says_when_to_come_again),
              T(readiness_follows_the_runtime), T(a_client_that_leaves_does_not_stop_its_change),
              T(the_live_stream_replays_and_then_goes_on), T(a_long_replay_is_whole_and_in_order),
              T(a_reader_that_does_not_read_is_cut_off), T(live_readers_are_bounded),
              T(connections_past_the_bound_wait_their_turn), T(half_a_request_is_given_up_in_time),
              T(broken_http_is_a_problem), T(stopping_lets_a_request_end_and_closes_live_streams),
              T(a_taken_port_is_told));
}
