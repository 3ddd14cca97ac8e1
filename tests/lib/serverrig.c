/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/serverrig.h"
#include "base/bug.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MS = 600, SHUTDOWN_MS = 3000 };

static void on_alert(void *ctx, uint64_t seq, const char *json, size_t n)
{
    sse_alert(((struct serverrig *)ctx)->api->sse, seq, json, n);
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
    struct serverrig *s = arg;
    const struct http_app app = {.routes = api_routes,
                                 .nroutes = api_nroutes,
                                 .app = s->api,
                                 .tick = tick,
                                 .woken = woken,
                                 .stopping = stopping};
    http_run(s->http, &app);
    return NULL;
}

struct serverrig *serverrig_start(const struct serverrig_limits *l)
{
    struct serverrig *s = mem_new(sizeof *s);
    char path[128];
    struct diag d;
    signal(SIGPIPE, SIG_IGN);
    snprintf(s->dir, sizeof s->dir, "/tmp/weir-server-XXXXXX");
    BUG_IF(mkdtemp(s->dir) == NULL, "no folder");
    snprintf(path, sizeof path, "%s/catalogue.db", s->dir);
    diag_init(&d, NULL, 0);
    const struct http_options o = {.bind = "127.0.0.1",
                                   .max_body = l->max_body,
                                   .max_connections = l->max_connections,
                                   .request_timeout_ms = REQUEST_MS,
                                   .shutdown_timeout_ms = SHUTDOWN_MS};
    const struct runtime_options ro = {.data = s->dir};
    BUG_IF(http_listen(&o, &d, &s->http) != ERR_OK, "no port");
    s->api = api_new(s->http, NULL, NULL, l->max_events, l->max_live);
    BUG_IF(runtime_start(&ro, on_alert, s, &d, &s->runtime) != ERR_OK, "no runtime");
    BUG_IF(catalog_reader(path, &s->reader) != ERR_OK, "no catalogue");
    s->api->runtime = s->runtime;
    s->api->reader = s->reader;
    BUG_IF(pthread_create(&s->thread, NULL, run, s) != 0, "no thread");
    s->running = true;
    diag_fini(&d);
    return s;
}

void serverrig_stop(struct serverrig *s)
{
    if (s->running) {
        http_stop(s->http);
        pthread_join(s->thread, NULL);
    }
    s->running = false;
}

int serverrig_free(struct serverrig *s)
{
    char command[128];
    serverrig_stop(s);
    runtime_stop(s->runtime);
    catalog_close(s->reader);
    api_free(s->api);
    http_free(s->http);
    snprintf(command, sizeof command, "rm -r %s", s->dir);
    int code = system(command);
    mem_free(s);
    return code;
}

int serverrig_connect(struct serverrig *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(s->http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    BUG_IF(connect(fd, (struct sockaddr *)&at, sizeof at) != 0, "nobody listens");
    return fd;
}

void serverrig_put(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t w = send(fd, at, n, MSG_NOSIGNAL);
        if (w <= 0)
            return; /* the server may have closed already, which the answer tells */
        at += w;
        n -= (size_t)w;
    }
}

bool serverrig_get(int fd, struct bytes *in, const char *until, int wait_ms)
{
    for (;;) {
        bytes_reserve(in, 1)[0] = '\0';
        if (until && strstr((char *)in->p, until))
            return true;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, wait_ms) != 1)
            return false;
        ssize_t n = recv(fd, bytes_reserve(in, 4097), 4096, 0);
        if (n <= 0) {
            in->p[in->n] = '\0';
            return until == NULL;
        }
        in->n += (size_t)n;
    }
}
