/* SPDX-License-Identifier: Apache-2.0 */
/* genpost.h - JSON lines to a server's stream over one kept-alive connection, with the server's own pace respected.
 *
 * Room:   gen -> [genpost] -> POST /api/v1/streams/{s}/events
 * Owns:   the connection.  Thread: one.  Time: sleeps while the server says 429 or 503, or cannot be reached.
 *
 * Nothing is lost: what the server does not take is sent again. A connection that breaks while an answer is awaited leaves
 * open whether the server had taken the lines; they are sent again and counted in `resent_lines`. */
#ifndef WEIR_SERVER_GENPOST_H
#define WEIR_SERVER_GENPOST_H
#include "base/err.h"
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct genpost_stats {
    uint64_t accepted, rejected, waits, resent_lines;
    char first_rejection[192]; /* "" if none */
};

struct genpost;

/* url: "http://host:port". stop: set by a signal handler; ends waits and retries. */
struct genpost *genpost_new(const char *url, const char *stream, const volatile sig_atomic_t *stop);
void genpost_free(struct genpost *g); /* NULL is fine */
/* ERR_INVALID: the server refuses them for good, genpost_why says why. ERR_CLOSED: `stop` was set meanwhile. */
enum err genpost_send(struct genpost *g, unsigned partition, const void *lines, size_t n,
                      uint64_t nlines);
/* The input of all the stream's partitions has ended. */
enum err genpost_finish(struct genpost *g);
const char *genpost_why(const struct genpost *g);
const struct genpost_stats *genpost_stats(const struct genpost *g);

#endif
