/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests from anyone, over a socket, to all handlers of the API with the fake runtime behind them. The input: "METHOD
 * target", header lines, an empty line, the body. Each gets an answer; none is "internal"; what says it is JSON is JSON.
 *
 * A server is used for many inputs, so that they find what others made; then a new one begins. */
#include "base/bug.h"
#include "base/mem.h"
#include "tests/lib/serverrig.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUTS = 200, WAIT_MS = 5000, MAX_BODY = 4096, HEADERS_MAX = 8 };

static struct serverrig *rig;
static unsigned used;

static void end(void)
{
    if (rig != NULL)
        (void)serverrig_free(rig);
    rig = NULL;
}

static bool is(const char *line, size_t n, const char *name)
{
    return n >= strlen(name) && strncasecmp(line, name, strlen(name)) == 0;
}

/* How long the body is and when the answer ends is said by us: else both sides might wait for each other. */
static bool is_ours(const char *line, size_t n)
{
    return is(line, n, "content-length") || is(line, n, "transfer-encoding") ||
           is(line, n, "connection") || is(line, n, "upgrade") || is(line, n, "expect") ||
           isspace((unsigned char)line[0]);
}

/* From *at to the end of its line; *at is behind it. */
static size_t line_of(const char *end_of_text, const char **at, const char **line)
{
    const char *nl = memchr(*at, '\n', (size_t)(end_of_text - *at));
    *line = *at;
    size_t n = (size_t)((nl ? nl : end_of_text) - *at);
    *at = nl ? nl + 1 : end_of_text;
    return n;
}

static void request(const char *text, size_t size, struct bytes *out)
{
    const char *at = text, *stop = text + size, *line = NULL;
    size_t n = line_of(stop, &at, &line);
    bytes_put(out, line, n);
    bytes_printf(out, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (unsigned i = 0; i < HEADERS_MAX && at < stop && *at != '\n'; i++) {
        n = line_of(stop, &at, &line);
        if (is_ours(line, n))
            continue;
        bytes_put(out, line, n);
        bytes_put(out, "\r\n", 2);
    }
    if (at < stop && *at == '\n')
        at++;
    bytes_printf(out, "Content-Length: %zu\r\n\r\n", (size_t)(stop - at));
    bytes_put(out, at, (size_t)(stop - at));
}

/* Into `in`, with a NUL behind it; a stream of events is left after its head. */
static void ask(const void *p, size_t n, struct bytes *in)
{
    int fd = serverrig_connect(rig);
    serverrig_put(fd, p, n);
    bool came = serverrig_get(fd, in, "\r\n\r\n", WAIT_MS);
    if (came && strstr((char *)in->p, "text/event-stream") == NULL)
        came = serverrig_get(fd, in, NULL, WAIT_MS);
    BUG_IF(in->n > 0 && !came, "no end of the answer: %.200s", (char *)in->p);
    close(fd);
}

static void check_json(const char *body, size_t n)
{
    json_error_t why;
    json_t *json = json_loadb(body, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    BUG_IF(json == NULL && json_error_code(&why) != json_error_numeric_overflow,
           "no JSON: %s in %.*s", why.text, (int)n, body);
    json_decref(json);
}

/* The status; 0: none. */
static int check(const struct bytes *in)
{
    const char *text = (const char *)in->p, *head = in->n ? strstr(text, "\r\n\r\n") : NULL;
    if (head == NULL)
        return 0; /* h2o closes connections that do not speak HTTP */
    int status = atoi(text + sizeof "HTTP/1.1 " - 1);
    BUG_IF(strncmp(text, "HTTP/1.", 7) != 0 || status < 200 || status > 599, "%.80s", text);
    BUG_IF(status == 500, "an answer that nobody wanted: %s", text);
    char *names = mem_dup(text, (size_t)(head - text));
    if (strstr(names, "content-type: application/json") != NULL)
        check_json(head + 4, in->n - (size_t)(head + 4 - text));
    mem_free(names);
    return status;
}

static int one(const char *text, size_t size)
{
    struct bytes out = {0}, in = {0};
    request(text, size, &out);
    bytes_u8(&out, 0);
    if (strstr((const char *)out.p, "backtests") != NULL) { /* processes that nobody starts here */
        bytes_fini(&out);
        return 0;
    }
    out.n--;
    ask(out.p, out.n, &in);
    int status = check(&in);
    bytes_fini(&out);
    bytes_fini(&in);
    return status;
}

static void begin(void)
{
    static const char *const first[] = {
        "POST /api/v1/streams\ncontent-type: application/json\n\n{\"sql\":\"CREATE STREAM payments "
        "("
        "card STRING NOT NULL, amount DECIMAL(12,2), ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS "
        "ts) WITH ('partitions'='2')\"}",
        "POST /api/v1/rules\ncontent-type: application/json\n\n"
        "{\"name\":\"large\",\"sql\":\"SELECT card FROM payments WHERE amount > 5\"}",
        "POST /api/v1/rules/large/versions\ncontent-type: application/json\n\n"
        "{\"sql\":\"SELECT card FROM payments WHERE amount > 6\"}",
        "POST /api/v1/streams/payments/events\ncontent-type: application/json\n\n"
        "[{\"card\":\"a\",\"amount\":7,\"ts\":\"2026-11-21 10:00:00\"}]",
    };
    static bool asked;
    if (!asked)
        atexit(end);
    asked = true;
    end();
    rig = serverrig_start(&(struct serverrig_limits){
        .max_body = MAX_BODY, .max_connections = 6, .max_events = 10, .max_live = 3});
    fake_runtime_alert(rig->runtime, "a1", 30, &(uint64_t){0});
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++)
        BUG_IF(one(first[i], strlen(first[i])) / 100 != 2, "%s", first[i]);
    used = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (rig == NULL || used == INPUTS)
        begin();
    used++;
    if (size > 0)
        (void)one((const char *)data, size);
    return 0;
}
