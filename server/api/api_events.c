/* SPDX-License-Identifier: Apache-2.0 */
/* Events in, and the newest of them back. The hot path of HTTP: one copy of the body (the decoder reads some bytes past
 * each text, which h2o's buffer does not promise), one cut into rows, one call. */
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/api/api.h"
#include "server/http/json_split.h"
#include "server/http/jsonw.h"
#include "server/run/runtimememory.h"
#include "state/catalog_dead.h"
#include <inttypes.h>
#include <string.h>

enum { RECENT_MAX = 200, BODY_KEPT = 4 << 20 };

struct api_intake {
    unsigned max;
    struct json_split_text *texts;
    struct runtime_row *rows;
    struct runtime_row_answer *answers;
    struct bytes body;
};

struct post {
    const struct schema *stream;
    unsigned partition, n, rejected;
    bool durable, all_rows, single;
};

struct api_intake *api_events_new(unsigned max_events)
{
    struct api_intake *in = mem_new(sizeof *in);
    in->max = max_events;
    in->texts = mem_array(max_events, sizeof *in->texts);
    in->rows = mem_array(max_events, sizeof *in->rows);
    in->answers = mem_array(max_events, sizeof *in->answers);
    return in;
}

void api_events_free(struct api_intake *in)
{
    if (!in)
        return;
    mem_free(in->texts);
    mem_free(in->rows);
    mem_free(in->answers);
    bytes_fini(&in->body);
    mem_free(in);
}

/* --- the body ---------------------------------------------------------------------------------------------------- */

static void bad_array(struct httpcall *c, const char *body, const struct json_split_problem *why)
{
    struct diag d;
    diag_init(&d, body, why->at + 1);
    diag_error(&d, "syntax", (struct span){(unsigned)why->at, (unsigned)why->at + 1},
               "is the body cut off? Events may also be sent one to a line as application/x-ndjson",
               "%s", why->text);
    httpcall_diag(c, PROBLEM_BAD_JSON, &d);
    diag_fini(&d);
}

static bool is_lines(struct httpcall *c)
{
    const char *type = httpcall_header(c, "content-type");
    return !strcasestr(type, "application/json") || strcasestr(type, "jsonl");
}

/* The body's events into in->texts. False: answered. */
static bool split(struct api_intake *in, struct httpcall *c, struct post *post)
{
    size_t n = 0;
    const char *p = httpcall_body(c, &n);
    struct json_split_problem why = {0};
    enum err e = ERR_OK;
    bytes_reset(&in->body);
    memcpy(bytes_reserve(&in->body, n + CODEC_PADDING), p, n);
    memset(in->body.p + n, 0, CODEC_PADDING);
    const char *body = (const char *)in->body.p;
    char first = json_split_first(body, n);
    if (first == 0) {
        httpcall_problem(c, PROBLEM_BAD_JSON, "send an object, an array of objects, or one a line",
                         "the body is empty");
        return false;
    }
    if (is_lines(c)) {
        e = json_split_lines(body, n, in->texts, in->max, &post->n);
    } else if (first == '[') {
        e = json_split_array(body, n, in->texts, in->max, &post->n, &why);
    } else {
        in->texts[0] = (struct json_split_text){body, n};
        post->n = 1;
        post->single = true;
    }
    if (e == ERR_LIMIT)
        httpcall_problem(c, PROBLEM_TOO_MANY, "send them in several requests",
                         "there are more than %u events (--max-events)", in->max);
    else if (e != ERR_OK)
        bad_array(c, body, &why);
    return e == ERR_OK;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static void write_row(struct bytes *out, unsigned i, const struct runtime_row_answer *a)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "index", i);
    jsonw_kstr(out, "status", a->accepted ? "accepted" : "rejected");
    if (a->accepted) {
        jsonw_ku64(out, "offset", a->offset);
    } else {
        jsonw_kstr(out, "code", a->code);
        jsonw_kstr(out, "error", a->error);
    }
    jsonw_close(out, '}');
}

static void answer(struct api_intake *in, struct httpcall *c, const struct post *post)
{
    uint64_t first = 0, last = 0;
    unsigned accepted = 0;
    for (unsigned i = 0; i < post->n; i++) {
        if (!in->answers[i].accepted)
            continue;
        if (accepted++ == 0)
            first = in->answers[i].offset;
        last = in->answers[i].offset;
    }
    if (post->single && accepted == 0) {
        httpcall_problem(c, PROBLEM_INVALID_EVENT, NULL, "%s: %s", in->answers[0].code,
                         in->answers[0].error);
        return;
    }
    struct bytes *out = httpcall_out(c);
    bytes_printf(out, "{\"accepted\":%u,\"rejected\":%u,\"partition\":%u,", accepted,
                 post->n - accepted, post->partition);
    if (accepted > 0)
        bytes_printf(out, "\"first_offset\":%" PRIu64 ",\"last_offset\":%" PRIu64, first, last);
    else
        bytes_printf(out, "\"first_offset\":null,\"last_offset\":null");
    if (accepted < post->n || post->all_rows) {
        jsonw_key(out, "rows");
        jsonw_open(out, '[');
        for (unsigned i = 0; i < post->n; i++)
            if (post->all_rows || !in->answers[i].accepted)
                write_row(out, i, &in->answers[i]);
        jsonw_close(out, ']');
    }
    jsonw_close(out, '}');
    httpcall_json_reply(c, accepted < post->n ? 207 : 202);
}

static bool read_options(struct httpcall *c, struct post *post)
{
    uint64_t partition = 0;
    const char *wait = httpcall_query(c, "wait"), *rows = httpcall_query(c, "rows");
    if (!httpcall_query_u64(c, "partition", 0, 0, post->stream->partitions - 1, &partition))
        return false;
    post->partition = (unsigned)partition;
    post->durable = wait && strcmp(wait, "durable") == 0;
    post->all_rows = rows && strcmp(rows, "all") == 0;
    if (wait && !post->durable && strcmp(wait, "accepted") != 0) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL,
                         "wait is '%.40s'; it may be accepted or durable", wait);
        return false;
    }
    if (rows && !post->all_rows) {
        httpcall_problem(c, PROBLEM_BAD_PARAMETER, NULL, "rows is '%.40s'; it may be all", rows);
        return false;
    }
    return true;
}

void api_events_post(struct httpcall *c, void *app)
{
    struct api *a = app;
    struct api_intake *in = a->intake;
    struct post post = {.stream = runtime_stream(a->runtime, httpcall_param(c, "s"))};
    if (!post.stream) {
        api_streams_find(a, c, httpcall_param(c, "s"));
        return;
    }
    if (!read_options(c, &post) || !split(in, c, &post))
        return;
    for (unsigned i = 0; i < post.n; i++)
        in->rows[i] = (struct runtime_row){in->texts[i].p, in->texts[i].n};
    enum err e = runtime_intake(a->runtime, post.stream->name, post.partition, in->rows, post.n,
                                post.durable, in->answers);
    if (e == ERR_OK)
        answer(in, c, &post);
    else if (e == ERR_CONFLICT && post.stream->connector &&
             strcmp(post.stream->connector, "http") != 0)
        httpcall_problem(c, PROBLEM_CONFLICT,
                         "only streams with the connector 'http' take posted events",
                         "the events of %s come from its connector '%s'", post.stream->name,
                         post.stream->connector);
    else if (e == ERR_CONFLICT)
        httpcall_problem(c, PROBLEM_FINISHED, NULL, "partition %u of %s has ended", post.partition,
                         post.stream->name);
    else if (e == ERR_AGAIN && runtimememory_level(a->runtime) >= MEMWATCH_FULL)
        httpcall_problem(c, PROBLEM_BACKPRESSURE, "GET /api/v1/workers shows what takes it",
                         "memory is nearly at --memory-total; none of the %u events was taken",
                         post.n);
    else if (e == ERR_AGAIN)
        httpcall_problem(c, PROBLEM_BACKPRESSURE, NULL,
                         "the backlog of events that no worker has taken yet is at its limit "
                         "(--max-backlog), or refused events come faster than they can be kept; "
                         "none of the %u events was taken",
                         post.n);
    else
        api_failed(c, e);
    if (in->body.cap > BODY_KEPT)
        bytes_fini(&in->body); /* one large body is no reason to hold its memory for good */
}

/* --- recorded events ---------------------------------------------------------------------------------------------- */

void api_events_value(struct bytes *out, const char *text, size_t n)
{
    /* The decoder looks only at what the stream's columns need; the rest of a text may be anything. */
    json_t *checked = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (checked)
        jsonw_raw(out, text, n);
    else
        jsonw_strn(out, text, n);
    json_decref(checked);
}

static uint64_t end_of(struct api *a, uint32_t stream, uint64_t partition)
{
    unsigned n = runtime_partitions(a->runtime, NULL, 0);
    struct runtime_partition *all = mem_array(n + 1, sizeof *all);
    uint64_t end = 0;
    unsigned got = runtime_partitions(a->runtime, all, n);
    for (unsigned i = 0; i < n && i < got; i++)
        if (all[i].stream_id == stream && all[i].partition == partition)
            end = all[i].end;
    mem_free(all);
    return end;
}

void api_events_recent(struct httpcall *c, void *app)
{
    struct api *a = app;
    uint64_t partition = 0, limit = 0;
    const struct schema *s = api_streams_find(a, c, httpcall_param(c, "s"));
    if (!s || !httpcall_query_u64(c, "partition", 0, 0, s->partitions - 1, &partition) ||
        !httpcall_query_u64(c, "limit", 20, 1, RECENT_MAX, &limit))
        return;
    struct bytes *out = httpcall_out(c);
    uint64_t end = end_of(a, s->id, partition);
    api_page_open(out);
    for (uint64_t i = end; i > 0 && end - i < limit; i--) {
        char *text = NULL;
        size_t n = 0;
        if (runtime_event(a->runtime, s->id, (uint32_t)partition, i - 1, &text, &n) != ERR_OK)
            break; /* older ones are gone by retention */
        jsonw_open(out, '{');
        jsonw_ku64(out, "partition", partition);
        jsonw_ku64(out, "offset", i - 1);
        jsonw_key(out, "event");
        api_events_value(out, text, n);
        uint64_t letter = 0;
        if (catalog_deadlook_origin(a->reader, s->id, (uint32_t)partition, i - 1, &letter) ==
                ERR_OK &&
            letter > 0)
            jsonw_ku64(out, "dead_letter", letter);
        jsonw_close(out, '}');
        mem_free(text);
    }
    api_page_close(out, false, 0);
    httpcall_json_reply(c, 200);
}
