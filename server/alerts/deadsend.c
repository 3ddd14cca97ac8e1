/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "deadsend"
#include "server/alerts/deadsend.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/codec_json.h"
#include "server/alerts/refused.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFILL_WAIT_MS = 1000 };

struct letter {
    uint64_t id;
    uint32_t stream, partition;
    size_t at, n; /* of its text */
    bool whole;
};
struct letters {
    struct letter *v;
    size_t n, cap;
    struct bytes text;
};

static void take(void *ctx, const struct catalog_dead_letter *d)
{
    struct letters *l = ctx;
    const char *text = d->edited != NULL ? d->edited : d->raw;
    size_t n = d->edited != NULL ? d->edited_len : d->raw_len;
    l->v = mem_grow(l->v, l->n, 1, &l->cap, sizeof *l->v);
    l->v[l->n++] =
        (struct letter){.id = d->id,
                        .stream = d->stream,
                        .partition = d->partition,
                        .at = l->text.n,
                        .n = n,
                        .whole = text != NULL && (d->edited != NULL || d->size <= d->raw_len)};
    if (text != NULL)
        bytes_put(&l->text, text, n);
}

static int compare(const void *a, const void *b)
{
    const struct letter *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void say_once(struct runtime_sent *out, const char *fmt, const char *name)
{
    out->not_sendable++;
    if (out->why[0] == '\0')
        snprintf(out->why, sizeof out->why, fmt, name);
}

/* Can letters of that stream be sent? NULL: not, and that has been said for each of the n. */
static const struct schema *stream_to(const struct deadsend *d, const struct letter *of, unsigned n,
                                      struct runtime_sent *out)
{
    const struct schema *s = registry_stream_by_id(d->registry, of->stream);
    const char *connector = s == NULL ? "" : s->connector;
    bool good = s != NULL && strcmp(connector, "http") == 0 && of->partition < s->partitions;
    for (unsigned i = 0; i < n && !good; i++)
        say_once(out,
                 "only events of streams with the connector 'http' can be sent again, not of %s",
                 s == NULL ? "one that is gone" : s->name);
    return good ? s : NULL;
}

/* n letters of one partition. */
static enum err send(const struct deadsend *d, const struct letters *all, const struct letter *v,
                     unsigned n, struct runtime_sent *out)
{
    const struct schema *s = stream_to(d, v, n, out);
    if (s == NULL)
        return ERR_OK;
    struct runtime_row *rows = mem_array(n, sizeof *rows);
    struct runtime_row_answer *answers = mem_array(n, sizeof *answers);
    struct catalog_deadsend_outcome *outcomes = mem_array(n, sizeof *outcomes);
    uint64_t *ids = mem_array(n, sizeof *ids);
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!v[i].whole) {
            say_once(out, "%s of it is kept: put it right first",
                     v[i].n == 0 ? "no text" : "only the beginning");
            continue;
        }
        ids[k] = v[i].id;
        rows[k++] = (struct runtime_row){(const char *)all->text.p + v[i].at, v[i].n};
    }
    enum err e = k > 0 ? intake_again(d->intake, s, v->partition, rows, ids, k, answers) : ERR_OK;
    for (unsigned i = 0; e == ERR_OK && i < k; i++) {
        bool in = answers[i].accepted;
        outcomes[i] = (struct catalog_deadsend_outcome){.id = ids[i],
                                                        .state = in ? DEAD_SENT : DEAD_WAITS,
                                                        .partition = v->partition,
                                                        .offset = answers[i].offset,
                                                        .code = answers[i].code,
                                                        .reason = answers[i].error};
        out->sent += in;
        out->refused += !in;
        if (!in && out->why[0] == '\0')
            snprintf(out->why, sizeof out->why, "%s: %s", answers[i].code, answers[i].error);
    }
    if (e == ERR_OK && k > 0)
        e = catalog_deadsend_settle(d->catalog, outcomes, k);
    if (e == ERR_CONFLICT) { /* the partition has ended */
        for (unsigned i = 0; i < k; i++)
            say_once(out, "stream %s has ended", s->name);
        e = ERR_OK;
    }
    mem_free(ids);
    mem_free(outcomes);
    mem_free(answers);
    mem_free(rows);
    return e;
}

/* Those that are still marked wait on. */
static enum err let_wait(const struct deadsend *d, const struct letters *l)
{
    struct catalog_deadsend_outcome *o = mem_array(l->n, sizeof *o);
    for (size_t i = 0; i < l->n; i++)
        o[i] = (struct catalog_deadsend_outcome){.id = l->v[i].id, .state = DEAD_WAITS};
    enum err e = catalog_deadsend_settle(d->catalog, o, (unsigned)l->n);
    mem_free(o);
    return e;
}

enum err deadsend_go(const struct deadsend *d, const struct catalog_dead_filter *f, unsigned limit,
                     const char *by, struct runtime_sent *out)
{
    struct letters l = {0};
    *out = (struct runtime_sent){0};
    enum err e = catalog_deadsend_take(d->catalog, f, limit, timebase_now_ms(), by, take, &l);
    memset(bytes_reserve(&l.text, CODEC_PADDING), 0, CODEC_PADDING);
    if (l.n > 0)
        qsort(l.v, l.n, sizeof *l.v, compare);
    for (size_t i = 0, n = 0; e == ERR_OK && i < l.n; i += n) {
        for (n = 1; i + n < l.n && l.v[i + n].stream == l.v[i].stream &&
                    l.v[i + n].partition == l.v[i].partition;)
            n++;
        e = send(d, &l, l.v + i, (unsigned)n, out);
    }
    if (l.n > 0) {
        enum err waits = let_wait(d, &l);
        e = e != ERR_OK ? e : waits;
    }
    bytes_fini(&l.text);
    mem_free(l.v);
    return e;
}

/* --- after an end in the middle -------------------------------------------------------------------------------------- */

enum err deadsend_settle(const struct deadsend *d)
{
    struct letters l = {0};
    enum err e = catalog_deadsend_open(d->catalog, take, &l);
    struct catalog_deadsend_outcome *o = mem_array(l.n, sizeof *o);
    for (size_t i = 0; e == ERR_OK && i < l.n; i++) {
        struct intakelog_noted at = {0};
        enum err found = intakelognote_get(d->log, INTAKELOG_LETTER, l.v[i].id, &at);
        if (found != ERR_OK && found != ERR_NOT_FOUND)
            e = found;
        o[i] = (struct catalog_deadsend_outcome){.id = l.v[i].id,
                                                 .state = found == ERR_OK ? DEAD_SENT : DEAD_WAITS,
                                                 .partition = at.partition,
                                                 .offset = at.offset};
    }
    if (e == ERR_OK && l.n > 0)
        e = catalog_deadsend_settle(d->catalog, o, (unsigned)l.n);
    if (l.n > 0)
        LOG_INFO("dead letters that were being sent are settled", "letters=%zu", l.n);
    mem_free(o);
    bytes_fini(&l.text);
    mem_free(l.v);
    return e;
}

static void refill_block(const struct intakelog_block *b, const struct schema *s,
                         struct alertwriter *w, struct arena *a)
{
    for (unsigned i = 0; i < b->n; i++) {
        struct catalog_dead_letter d;
        if (refused_get(b->rows[i].p, b->rows[i].n, a, &d) != ERR_OK) {
            LOG_ERROR("a refused row cannot be read", "stream=%s offset=%" PRIu64, s->name,
                      b->first + i);
            continue;
        }
        d.stream = s->id;
        d.at = b->arrivals[i];
        d.logged = b->first + i + 1;
        alertwriter_dead_letter(w, &d);
    }
}

static enum err refill_stream(const struct deadsend *d, const struct schema *s,
                              struct alertwriter *w, uint64_t keep)
{
    uint64_t next = 0, end = intakelog_end(d->log, s->errors->id, 0);
    enum err e = catalog_dead_mark(d->catalog, s->id, &next);
    if (next + keep < end)
        next = end - keep; /* those before would be let go at once */
    struct intakelog_block *b = mem_new(sizeof *b);
    struct arena *a = arena_new(0, 0);
    while (e == ERR_OK && next < end) {
        e = intakelog_read(d->log, s->errors->id, 0, next, b);
        if (e != ERR_OK)
            break;
        refill_block(b, s, w, a);
        next = b->n > 0 ? b->first + b->n : end;
        intakelog_block_fini(b);
        arena_reset(a);
        while (alertwriter_letters_full(w))
            alertwriter_sync(w, REFILL_WAIT_MS);
    }
    arena_free(a);
    mem_free(b);
    return e;
}

enum err deadsend_refill(const struct deadsend *d, struct alertwriter *w, uint64_t keep)
{
    unsigned n = registry_streams(d->registry, NULL, 0);
    const struct schema **streams = mem_array(n, sizeof(struct schema *));
    n = registry_streams(d->registry, streams, n);
    enum err e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && i < n; i++)
        e = refill_stream(d, streams[i], w, keep);
    mem_free(streams);
    return e;
}
