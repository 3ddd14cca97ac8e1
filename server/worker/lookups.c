/* SPDX-License-Identifier: Apache-2.0
 *
 * Three things are linked: an ask (a batch) has a slot for each row; a want (a key that is not known) has the slots that
 * wait for it; of the wants of a table at most `capacity` are with its threads, the others stand in line.
 *
 * A want whose time is over is answered at once; what its thread brings later only goes into the cache. */
#include "server/worker/lookups.h"
#include "base/bug.h"
#include "base/map.h"
#include "cep/derived.h"
#include "cep/table.h"
#include "io/table_source.h"
#include "server/worker/lookupcache.h"
#include "server/worker/lookuppool.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ask;

struct slot { /* a row */
    struct ask *ask;
    struct slot *next; /* that waits for the same key */
};

struct want {
    struct lookuppool_key pool; /* first: they are given to and fro by it */
    struct table_state *of;
    bool over; /* its time was: nobody waits any more */
    montime since;
    struct slot *slots;
    struct want *before, *after; /* in order of asking: of their time, too */
    struct want *line; /* that has not been given to the threads */
    size_t key_n;
    MAP_LINK;
    uint8_t key[]; /* as value_key writes it, then its text */
};

struct ask {
    uint64_t number;
    struct table_state *of;
    uint32_t stream;
    struct batch *b;
    unsigned first, left; /* column; rows that are not answered */
    bool news;
    uint64_t pass[BATCH_WORDS], drop[BATCH_WORDS]; /* answered, not given to the task */
    struct ask *next;
    struct slot slots[];
};

struct table_state {
    const struct table *table;
    struct lookuppool *pool;
    struct lookupcache *cache;
    struct want *wants; /* map */
    struct want *oldest, *newest; /* those with the threads that are not over */
    struct want *line, **line_end;
    unsigned with_threads; /* wants, those that are over too */
    uint64_t rows_waiting; /* in asks that are not done */
    struct lookups_stats stats;
};

struct lookups {
    bool in_order;
    lookups_failed *failed;
    void *ctx;
    int wake;
    struct table_state **tables;
    size_t ntables, tables_cap;
    struct ask *first, **last;
    uint32_t *stopped; /* streams: in this turn nothing more of them goes on */
    size_t nstopped, stopped_cap;
    struct bytes key;
    char *broken;
};

struct lookups *lookups_new(bool in_order, lookups_failed *failed, void *ctx)
{
    struct lookups *l = mem_new(sizeof *l);
    l->in_order = in_order;
    l->failed = failed;
    l->ctx = ctx;
    l->last = &l->first;
    l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    BUG_IF(l->wake < 0, "no eventfd: %s", strerror(errno));
    return l;
}

static void free_key(struct lookuppool_key *k)
{
    bytes_fini(&k->row);
    mem_free(k);
}

static void free_table(struct table_state *s)
{
    struct want *w, *next;
    MAP_EACH(s->wants, w, next) {
        MAP_DEL(s->wants, w);
    }
    while ((w = s->line) != NULL) {
        s->line = w->line;
        free_key(&w->pool);
    }
    lookuppool_free(s->pool, free_key);
    lookupcache_free(s->cache);
    mem_free(s);
}

void lookups_free(struct lookups *l)
{
    struct ask *a;
    if (l == NULL)
        return;
    while ((a = l->first) != NULL) {
        l->first = a->next;
        batch_unref(a->b);
        mem_free(a);
    }
    for (size_t i = 0; i < l->ntables; i++)
        free_table(l->tables[i]);
    mem_free(l->tables);
    mem_free(l->stopped);
    bytes_fini(&l->key);
    mem_free(l->broken);
    close(l->wake);
    mem_free(l);
}

/* Threads are there from the first row on. */
static struct table_state *state_of(struct lookups *l, const struct table *t)
{
    for (size_t i = 0; i < l->ntables; i++)
        if (l->tables[i]->table == t)
            return l->tables[i];
    struct table_state *s = mem_new(sizeof *s);
    s->table = s->stats.table = t;
    s->pool = lookuppool_new(t, l->wake);
    s->cache = lookupcache_new(t->cache_rows, t->cache_ttl_ms);
    s->line_end = &s->line;
    l->tables = mem_grow(l->tables, l->ntables, 1, &l->tables_cap, sizeof(struct table_state *));
    l->tables[l->ntables++] = s;
    return s;
}

/* --- a row is answered ------------------------------------------------------------------------ */

static unsigned row_of(const struct slot *s)
{
    return (unsigned)(s - s->ask->slots);
}

static void settle(struct slot *s, bool pass)
{
    struct ask *a = s->ask;
    unsigned i = row_of(s);
    uint64_t *to = pass ? a->pass : a->drop;
    to[i / 64] |= UINT64_C(1) << (i % 64);
    a->left--;
    a->news = true;
    a->of->stats.rows++;
}

/* row: as io/table_source.h has it, or NULL: there is none. */
static void fill(struct slot *s, const uint8_t *row)
{
    struct ask *a = s->ask;
    const struct table *t = a->of->table;
    for (unsigned c = 0; row != NULL && c < t->schema->ncolumns; c++) {
        if (!colset_has(&a->b->present, a->first + c))
            continue;
        struct value v = table_row_get(t, row, c);
        struct batch_column *column = &a->b->columns[a->first + c];
        unsigned i = row_of(s);
        batch_put(a->b, a->first + c, i, &v);
        if (!v.null)
            column->nulls[i / 64] &= ~(UINT64_C(1) << (i % 64));
    }
    a->of->stats.missing += row == NULL;
    settle(s, true);
}

static void fail_row(struct lookups *l, struct slot *s, const char *reason)
{
    struct ask *a = s->ask;
    const struct table *t = a->of->table;
    unsigned i = row_of(s);
    const struct place at = {derived_place_of(a->b->schema)->id, a->b->partition, a->b->offset[i]};
    if (t->on_error == TABLE_FAIL && l->broken == NULL)
        l->broken = mem_printf("look-up in %s: %s", t->schema->name, reason);
    if (t->on_error == TABLE_DEAD_LETTER)
        l->failed(l->ctx, &at, reason);
    settle(s, t->on_error == TABLE_NULL);
}

/* --- keys ------------------------------------------------------------------------------------- */

static void send_line(struct table_state *s, montime now)
{
    while (s->line != NULL && s->with_threads < s->table->capacity) {
        struct want *w = s->line;
        s->line = w->line;
        if (s->line == NULL)
            s->line_end = &s->line;
        w->since = now;
        w->pool.deadline = now + s->table->timeout_ms * 1000000;
        w->before = s->newest;
        if (s->newest != NULL)
            s->newest->after = w;
        else
            s->oldest = w;
        s->newest = w;
        s->with_threads++;
        s->stats.asked++;
        lookuppool_ask(s->pool, &w->pool);
    }
}

static struct want *want_of(struct lookups *l, struct table_state *s, const struct value *key)
{
    struct want *w = MAP_GET(s->wants, l->key.p, l->key.n);
    if (w != NULL)
        return w;
    bool text = key->type.kind == TYPE_STRING;
    w = mem_new(sizeof *w + l->key.n + (text ? key->c.s.n : 0) + 1);
    w->of = s;
    w->key_n = l->key.n;
    memcpy(w->key, l->key.p, l->key.n);
    w->pool.key = *key;
    if (text && key->c.s.n > 0)
        memcpy(w->key + w->key_n, key->c.s.p, key->c.s.n);
    if (text)
        w->pool.key.c.s.p = (const char *)w->key + w->key_n;
    MAP_PUT(s->wants, w, w->key, w->key_n);
    *s->line_end = w;
    s->line_end = &w->line;
    return w;
}

static void look_up(struct lookups *l, struct ask *a, unsigned i, const struct value *key,
                    montime now)
{
    struct table_state *s = a->of;
    const uint8_t *row = NULL;
    a->slots[i].ask = a;
    if (key->null) { /* = NULL is true of no row */
        fill(&a->slots[i], NULL);
        return;
    }
    bytes_reset(&l->key);
    value_key(key, &l->key);
    if (lookupcache_get(s->cache, l->key.p, l->key.n, now, &row)) {
        s->stats.hits++;
        fill(&a->slots[i], row);
        return;
    }
    struct want *w = want_of(l, s, key);
    a->slots[i].next = w->slots;
    w->slots = &a->slots[i];
}

void lookups_take(struct lookups *l, const struct task_effects *fx)
{
    montime now = fx->nasks > 0 ? timebase_mono_ns() : 0;
    for (unsigned k = 0; k < fx->nasks; k++) {
        const struct task_ask *from = &fx->asks[k];
        unsigned n = from->b->n;
        struct ask *a = mem_new(sizeof *a + n * sizeof a->slots[0]);
        a->number = from->number;
        a->of = state_of(l, from->table);
        a->stream = from->stream;
        a->b = batch_ref(from->b);
        a->first = from->first;
        a->left = n;
        a->of->rows_waiting += n;
        *l->last = a;
        l->last = &a->next;
        for (unsigned i = 0; i < n; i++)
            look_up(l, a, i, &from->keys[i], now);
        send_line(a->of, now);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

static void out_of_order(struct table_state *s, struct want *w)
{
    if (w->before != NULL)
        w->before->after = w->after;
    else
        s->oldest = w->after;
    if (w->after != NULL)
        w->after->before = w->before;
    else
        s->newest = w->before;
    MAP_DEL(s->wants, w);
}

/* Rows of a want are told in the order in which they came. */
static struct slot *turned(struct slot *s)
{
    struct slot *out = NULL;
    while (s != NULL) {
        struct slot *next = s->next;
        s->next = out;
        out = s;
        s = next;
    }
    return out;
}

static void fail_rows(struct lookups *l, struct want *w, const char *reason)
{
    for (struct slot *s = turned(w->slots), *next; s != NULL; s = next) {
        next = s->next;
        fail_row(l, s, reason);
    }
    w->slots = NULL;
}

static void time_is_over(struct lookups *l, struct want *w)
{
    char reason[160];
    snprintf(reason, sizeof reason, "table %.80s did not answer within %lld ms",
             w->of->table->schema->name, (long long)w->of->table->timeout_ms);
    w->of->stats.timeouts++;
    w->over = true;
    out_of_order(w->of, w);
    fail_rows(l, w, reason);
}

static void answer(struct lookups *l, struct want *w, montime now)
{
    struct table_state *s = w->of;
    struct lookuppool_key *k = &w->pool;
    bool found = k->outcome == LOOKUPPOOL_ROW, missing = k->outcome == LOOKUPPOOL_MISSING;
    if (found || (missing && s->table->cache_missing))
        lookupcache_put(s->cache, w->key, w->key_n, found ? k->row.p : NULL, k->row.n, now);
    if (w->over)
        return;
    if (k->outcome == LOOKUPPOOL_TIMEOUT) {
        time_is_over(l, w);
        return;
    }
    out_of_order(s, w);
    s->stats.latency_us += (uint64_t)(now - w->since) / 1000;
    if (found || missing) {
        for (struct slot *x = w->slots, *next; x != NULL; x = next) {
            next = x->next;
            fill(x, found ? k->row.p : NULL);
        }
        return;
    }
    s->stats.errors++;
    bytes_u8(&k->row, 0);
    fail_rows(l, w, (const char *)k->row.p);
}

static void take_answers(struct lookups *l, struct table_state *s, montime now)
{
    struct lookuppool_key *k;
    while ((k = lookuppool_take(s->pool)) != NULL) {
        s->with_threads--;
        answer(l, (struct want *)(void *)k, now);
        free_key(k);
    }
    while (s->oldest != NULL && s->oldest->pool.deadline <= now)
        time_is_over(l, s->oldest);
    send_line(s, now);
}

/* What comes behind rows of an ordered stream that wait, waits for them. */
static bool is_behind(struct lookups *l, uint32_t stream)
{
    for (size_t i = 0; i < l->nstopped; i++)
        if (l->stopped[i] == stream)
            return true;
    return false;
}

static void stop_behind(struct lookups *l, uint32_t stream)
{
    l->stopped = mem_grow(l->stopped, l->nstopped, 1, &l->stopped_cap, sizeof *l->stopped);
    l->stopped[l->nstopped++] = stream;
}

/* True: the task has got rows. */
static bool give(struct lookups *l, struct ask **at, struct task *t)
{
    struct ask *a = *at;
    bool ordered = l->in_order || !a->of->table->unordered, whole = a->left == 0;
    if (l->in_order ? l->nstopped > 0 : ordered && is_behind(l, a->stream))
        return false;
    if (ordered && !whole)
        stop_behind(l, a->stream);
    if (!a->news || (ordered && !whole))
        return false;
    a->news = false;
    if (whole) { /* before the task goes on: it may ask anew */
        a->of->rows_waiting -= a->b->n;
        *at = a->next;
        if (a->next == NULL)
            l->last = at;
    }
    tasklookup_answer(t, a->number, a->pass, a->drop);
    memset(a->pass, 0, sizeof a->pass);
    memset(a->drop, 0, sizeof a->drop);
    if (whole) {
        batch_unref(a->b);
        mem_free(a);
    }
    return true;
}

bool lookups_answer(struct lookups *l, struct task *t)
{
    uint64_t count;
    bool any = false;
    if (l->first == NULL && l->ntables == 0)
        return false;
    while (read(l->wake, &count, sizeof count) > 0)
        ;
    montime now = timebase_mono_ns();
    for (size_t i = 0; i < l->ntables; i++)
        take_answers(l, l->tables[i], now);
    l->nstopped = 0;
    for (struct ask **at = &l->first; *at != NULL;) {
        const struct ask *a = *at;
        any |= give(l, at, t);
        if (*at == a)
            at = &(*at)->next;
    }
    return any;
}

/* --- asking about it -------------------------------------------------------------------------- */

bool lookups_full(const struct lookups *l)
{
    for (size_t i = 0; i < l->ntables; i++)
        if (l->tables[i]->rows_waiting >= l->tables[i]->table->capacity)
            return true;
    return false;
}

bool lookups_idle(const struct lookups *l)
{
    return l->first == NULL;
}

int lookups_fd(const struct lookups *l)
{
    return l->wake;
}

montime lookups_due(const struct lookups *l)
{
    montime due = INT64_MAX;
    for (size_t i = 0; i < l->ntables; i++) {
        const struct want *w = l->tables[i]->oldest;
        if (w != NULL && w->pool.deadline < due)
            due = w->pool.deadline;
    }
    return due;
}

const char *lookups_broken(const struct lookups *l)
{
    return l->broken;
}

void lookups_add(struct lookups_stats *sum, const struct lookups_stats *one)
{
    sum->rows += one->rows;
    sum->hits += one->hits;
    sum->missing += one->missing;
    sum->asked += one->asked;
    sum->requests += one->requests;
    sum->retries += one->retries;
    sum->timeouts += one->timeouts;
    sum->errors += one->errors;
    sum->latency_us += one->latency_us;
    sum->in_flight += one->in_flight;
    sum->waiting += one->waiting;
    sum->cached += one->cached;
    sum->cached_bytes += one->cached_bytes;
}

unsigned lookups_ntables(const struct lookups *l)
{
    return (unsigned)l->ntables;
}

struct lookups_stats lookups_stats(const struct lookups *l, unsigned i)
{
    const struct table_state *s = l->tables[i];
    struct lookups_stats out = s->stats;
    struct lookuppool_stats pool = lookuppool_stats(s->pool);
    out.requests = pool.requests;
    out.retries = pool.retries;
    out.in_flight = s->with_threads;
    out.waiting = s->rows_waiting;
    out.cached = lookupcache_rows(s->cache);
    out.cached_bytes = lookupcache_bytes(s->cache);
    return out;
}
