/* SPDX-License-Identifier: Apache-2.0 */
/* sse.h - what happens, as it happens, to browsers: server-sent events of alerts and of the overview.
 *
 * Room:   runtime (alerts), api_status (overview) -> [sse] -> EventSource
 * Owns:   its clients' buffers.  Thread: the HTTP thread, but for sse_alert.
 *
 * Alerts have a cursor, the catalogue's seq: a client that names one is first given what the catalogue has after it, then
 * goes over to what comes in. What a client has not read is bounded; past that it is cut off and may come back with its
 * cursor, so that a slow reader costs the others nothing and loses nothing. */
#ifndef WEIR_SERVER_SSE_H
#define WEIR_SERVER_SSE_H
#include "base/bytes.h"
#include <stdbool.h>
#include <stdint.h>

struct httpcall;
struct http;
struct sse;

enum sse_topic { SSE_ALERTS, SSE_OVERVIEW, SSE_OPERATION };
struct sse_source {
    void *ctx;
    /* Appends frames (sse_frame) of alerts after `after`, at most limit; *last: the last one's seq. How many. */
    unsigned (*replay)(void *ctx, uint64_t after, unsigned limit, struct bytes *out,
                       uint64_t *last);
    void (*overview)(void *ctx, struct bytes *json);
    bool (*operation)(void *ctx, uint64_t id, struct bytes *json); /* false: it has ended */
};

struct sse *sse_new(struct http *h, unsigned max_clients, const struct sse_source *source);
void sse_free(struct sse *s); /* NULL is fine; after http_run */

/* Answers a request with a stream that stays open. replay: alerts after `after` first. SSE_OPERATION: that one's,
 * each second until it has ended. */
void sse_open(struct sse *s, struct httpcall *c, enum sse_topic topic, bool replay, uint64_t after);
/* Any thread: an alert that was stored just now; seq ascends. Cheap when nobody listens. */
void sse_alert(struct sse *s, uint64_t seq, const char *json, size_t n);
void sse_woken(struct sse *s); /* hands out what sse_alert has put down */
void sse_tick(struct sse *s); /* each second */
void sse_end(struct sse *s); /* ends all streams in order */

void sse_frame(struct bytes *out, const char *event, uint64_t id, bool with_id, const char *json,
               size_t n);
struct sse_stats {
    uint64_t clients, cut; /* open now; cut off because they did not read */
};
void sse_stats(const struct sse *s, struct sse_stats *out);

#endif
