/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over a socket, with a fake runtime behind it: what only shows with control over both of its sides. */
#include "base/mem.h"
#include "server/api/api.h"
#include "server/http/http.h"
#include "tests/lib/check.h"
#include "tests/lib/serverrig.h"
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

static int set_up(void **state)
{
    *state = serverrig_start(&(struct serverrig_limits){.max_body = MAX_BODY,
                                                        .max_connections = MAX_CONNECTIONS,
                                                        .max_events = MAX_EVENTS,
                                                        .max_live = MAX_LIVE});
    return 0;
}

static int tear_down(void **state)
{
    return serverrig_free(*state);
}

/* --- a client --------------------------------------------------------------------------------------------------- */

static bool get(int fd, struct bytes *in, const char *until)
{
    return serverrig_get(fd, in, until, WAIT_MS);
}

static char *talk(struct serverrig *s, const char *request, size_t n)
{
    struct bytes in = {0};
    int fd = serverrig_connect(s);
    serverrig_put(fd, request, n);
    get(fd, &in, NULL);
    close(fd);
    return (char *)in.p;
}

static char *ask(struct serverrig *s, const char *method, const char *path, const char *type,
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

static void expect(struct serverrig *s, const char *method, const char *path, const char *body,
                   const char *a, const char *b)
{
    char *answer = ask(s, method, path, *body ? "application/json" : NULL, body);
    assert_in(answer, a);
    assert_in(answer, b);
    mem_free(answer);
}

static void create(struct serverrig *s)
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
    struct serverrig *s = *state;
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

static void numbers_are_whole_and_not_cut_to_what_fits(void **state)
{
    struct serverrig *s = *state;
    create(s);
    expect(s, "POST", "/api/v1/rules/spend/versions/1:plan", "", "200 OK", "\"to\":1");
    expect(s, "POST", "/api/v1/rules/spend/versions/1x:plan", "", "404 ", "not-found");
    expect(s, "POST", "/api/v1/rules/spend/versions/4294967297:plan", "", "404 ", "not-found");
    expect(s, "GET", "/api/v1/rules/spend/versions/1..1", "", "200 OK", "\"from\":1");
    expect(s, "GET", "/api/v1/rules/spend/versions/1..4294967297", "", "400 ", "bad-parameter");
    expect(s, "GET", "/api/v1/rules/spend/versions/1..1x", "", "400 ", "bad-parameter");
    expect(s, "GET", "/api/v1/alerts?after=18446744073709551616", "", "400 ", "bad-parameter");
    expect(s, "GET", "/api/v1/backtests/bt_1x", "", "404 ", "not-found");
}

static void a_body_is_bounded_in_bytes_and_events(void **state)
{
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
    expect(s, "GET", "/readyz", "", "200 ", "ready");
    atomic_store(&fake_runtime_knobs(s->runtime)->not_ready, true);
    expect(s, "GET", "/readyz", "", "503 ", "/problems/not-ready");
    expect(s, "GET", "/healthz", "", "200 ", "ok");
}

/* The change ends when its request is long gone: the answer has nobody to go to, and nothing is touched. */
static void a_client_that_leaves_does_not_stop_its_change(void **state)
{
    struct serverrig *s = *state;
    create(s);
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, true);
    int fd = serverrig_connect(s);
    static const char pause[] = "POST /api/v1/rules/spend:pause HTTP/1.1\r\nHost: x\r\n\r\n";
    serverrig_put(fd, pause, strlen(pause));
    usleep(50000);
    close(fd);
    expect(s, "GET", "/healthz", "", "200 ", "ok");
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, false);
    usleep(50000);
    expect(s, "GET", "/api/v1/rules/spend", "", "200 ", "\"mode\":\"paused\"");
}

static int listen_live(struct serverrig *s, const char *path, struct bytes *in)
{
    char request[256];
    int fd = serverrig_connect(s);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    serverrig_put(fd, request, strlen(request));
    assert_true(get(fd, in, "retry: 2000"));
    return fd;
}

static void the_live_stream_replays_and_then_goes_on(void **state)
{
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
    int fd[MAX_CONNECTIONS];
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        fd[i] = serverrig_connect(s);
    usleep(50000);
    int late = serverrig_connect(s);
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    serverrig_put(late, request, strlen(request));
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
    struct serverrig *s = *state;
    static const char half[] =
        "POST /api/v1/rules HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{";
    struct bytes in = {0};
    int fd = serverrig_connect(s);
    serverrig_put(fd, half, strlen(half));
    assert_true(get(fd, &in, NULL)); /* the end of the connection */
    close(fd);
    bytes_fini(&in);
}

static void broken_http_is_a_problem(void **state)
{
    struct serverrig *s = *state;
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
    struct serverrig *s = *state;
    create(s);
    struct bytes live = {0}, in = {0};
    int idle = serverrig_connect(s), fd = serverrig_connect(s);
    int reader = listen_live(s, "/api/v1/alerts/stream", &live);
    static const char pause[] = "POST /api/v1/rules/spend:pause HTTP/1.1\r\nHost: x\r\n\r\n";
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, true);
    serverrig_put(fd, pause, strlen(pause));
    usleep(100000);
    http_stop(s->http);
    assert_true(get(reader, &live, NULL));
    assert_true(get(idle, &in, NULL));
    assert_int_equal(in.n, 0);
    atomic_store(&fake_runtime_knobs(s->runtime)->hold_changes, false);
    assert_true(get(fd, &in, "\"mode\":\"paused\""));
    serverrig_stop(s);
    close(fd);
    close(idle);
    close(reader);
    bytes_fini(&live);
    bytes_fini(&in);
}

static void a_taken_port_is_told(void **state)
{
    struct serverrig *s = *state;
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
              T(numbers_are_whole_and_not_cut_to_what_fits),
              T(a_body_is_bounded_in_bytes_and_events), T(backpressure_says_when_to_come_again),
              T(readiness_follows_the_runtime), T(a_client_that_leaves_does_not_stop_its_change),
              T(the_live_stream_replays_and_then_goes_on), T(a_long_replay_is_whole_and_in_order),
              T(a_reader_that_does_not_read_is_cut_off), T(live_readers_are_bounded),
              T(connections_past_the_bound_wait_their_turn), T(half_a_request_is_given_up_in_time),
              T(broken_http_is_a_problem), T(stopping_lets_a_request_end_and_closes_live_streams),
              T(a_taken_port_is_told));
}
