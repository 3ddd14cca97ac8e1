/* SPDX-License-Identifier: Apache-2.0 */
/* serverrig.h - the HTTP server over a socket with the fake runtime behind it, in a folder and a thread of its own.
 *
 * For tests and fuzz targets. Owns: all of it.  Thread: one besides the server's. */
#ifndef WEIR_TESTS_LIB_SERVERRIG_H
#define WEIR_TESTS_LIB_SERVERRIG_H
#include "server/api/api.h"
#include "server/http/http.h"
#include "tests/lib/fake_runtime.h"
#include <pthread.h>

struct serverrig_limits {
    size_t max_body;
    unsigned max_connections, max_events, max_live;
};
struct serverrig {
    char dir[64];
    struct http *http;
    struct api *api;
    struct runtime *runtime;
    struct catalog *reader;
    pthread_t thread;
    bool running;
};

/* What cannot be had ends the process: a test can do nothing without it. */
struct serverrig *serverrig_start(const struct serverrig_limits *l);
void serverrig_stop(struct serverrig *s); /* the server alone; twice is fine */
int serverrig_free(struct serverrig *s); /* 0: nothing of its folder is left */

int serverrig_connect(struct serverrig *s);
void serverrig_put(int fd, const void *p, size_t n);
/* Adds what comes until `until` is in it, or the end (until NULL), or wait_ms are over. False: it did not come. */
bool serverrig_get(int fd, struct bytes *in, const char *until, int wait_ms);

#endif
