/* SPDX-License-Identifier: Apache-2.0 */
#include "server/worker/lookuppool.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/table_source.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct keys { /* a queue */
    struct lookuppool_key *first, **last;
};

struct asker { /* one thread */
    struct lookuppool *pool;
    pthread_t thread;
    struct table_source *source;
};

struct lookuppool {
    const struct table *table;
    int wake;
    pthread_mutex_t lock;
    pthread_cond_t more; /* in `asked`, or the end; by the monotonic clock */
    struct keys asked, done;
    bool stopping;
    unsigned naskers;
    struct asker askers[TABLE_CONNECTIONS_MAX];
    struct lookuppool_stats stats;
};

static void put(struct keys *q, struct lookuppool_key *k)
{
    k->next = NULL;
    if (q->first == NULL)
        q->first = k;
    else
        *q->last = k;
    q->last = &k->next;
}

static struct lookuppool_key *take(struct keys *q)
{
    struct lookuppool_key *k = q->first;
    if (k != NULL)
        q->first = k->next;
    return k;
}

/* --- a request -------------------------------------------------------------------------------- */

struct request {
    struct lookuppool_key *keys[TABLE_BATCH_MAX];
    struct value values[TABLE_BATCH_MAX];
    struct table_answer answers[TABLE_BATCH_MAX];
    unsigned n;
    montime deadline; /* of the one that must be answered first */
    struct bytes rows;
    char why[TABLE_WHY];
};

static void conclude(struct lookuppool_key *k, enum lookuppool_outcome outcome, const void *p,
                     size_t n)
{
    k->outcome = outcome;
    bytes_reset(&k->row);
    bytes_put(&k->row, p, n);
}

static void conclude_all(struct request *r)
{
    static const enum lookuppool_outcome outcomes[] = {[TABLE_MISSING] = LOOKUPPOOL_MISSING,
                                                       [TABLE_ROW] = LOOKUPPOOL_ROW,
                                                       [TABLE_BAD] = LOOKUPPOOL_BAD};
    for (unsigned i = 0; i < r->n; i++) {
        const struct table_answer *a = &r->answers[i];
        conclude(r->keys[i], outcomes[a->found], a->n > 0 ? r->rows.p + a->at : r->rows.p, a->n);
    }
}

static void fail_all(struct request *r, enum lookuppool_outcome outcome)
{
    for (unsigned i = 0; i < r->n; i++)
        conclude(r->keys[i], outcome, r->why, strlen(r->why));
}

/* Sleeps, unless the pool ends. False: it ends, or there is no time for that. */
static bool pause_before_retry(struct lookuppool *p, const struct request *r)
{
    montime until = timebase_mono_ns() + p->table->retry_delay_ms * 1000000;
    if (until >= r->deadline)
        return false;
    struct timespec at = {until / 1000000000, until % 1000000000};
    pthread_mutex_lock(&p->lock);
    while (!p->stopping && timebase_mono_ns() < until)
        pthread_cond_timedwait(&p->more, &p->lock, &at);
    bool goes_on = !p->stopping;
    p->stats.retries += goes_on;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

static void ask(struct asker *a, struct request *r)
{
    struct lookuppool *p = a->pool;
    enum err e = ERR_IO;
    for (unsigned i = 0; i < r->n; i++)
        r->values[i] = r->keys[i]->key;
    for (unsigned tries = 0; e == ERR_IO && tries <= p->table->retries; tries++) {
        if (tries > 0 && !pause_before_retry(p, r))
            break;
        bytes_reset(&r->rows);
        e = table_source_get(a->source, r->values, r->n, r->deadline, r->answers, &r->rows, r->why);
    }
    if (e == ERR_OK)
        conclude_all(r);
    else
        fail_all(r, e == ERR_AGAIN ? LOOKUPPOOL_TIMEOUT : LOOKUPPOOL_FAILED);
}

/* Keys whose time is over are not asked for. False: the end. */
static bool next_request(struct lookuppool *p, struct request *r)
{
    r->n = 0;
    r->deadline = INT64_MAX;
    r->why[0] = '\0';
    pthread_mutex_lock(&p->lock);
    while (p->asked.first == NULL && !p->stopping)
        pthread_cond_wait(&p->more, &p->lock);
    montime now = timebase_mono_ns();
    while (!p->stopping && r->n < p->table->batch && p->asked.first != NULL) {
        struct lookuppool_key *k = take(&p->asked);
        if (k->deadline <= now) {
            conclude(k, LOOKUPPOOL_TIMEOUT, "", 0);
            put(&p->done, k);
            continue;
        }
        r->keys[r->n++] = k;
        r->deadline = k->deadline < r->deadline ? k->deadline : r->deadline;
    }
    p->stats.requests += r->n > 0;
    bool goes_on = !p->stopping;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

static void give_back(struct lookuppool *p, struct request *r)
{
    uint64_t one = 1;
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < r->n; i++)
        put(&p->done, r->keys[i]);
    pthread_mutex_unlock(&p->lock);
    while (write(p->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void *run(void *ctx)
{
    struct asker *a = ctx;
    struct request *r = mem_new(sizeof *r);
    while (next_request(a->pool, r)) {
        if (r->n > 0)
            ask(a, r);
        give_back(a->pool, r);
    }
    bytes_fini(&r->rows);
    mem_free(r);
    return NULL;
}

/* --- the pool --------------------------------------------------------------------------------- */

static void start(struct lookuppool *p)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < p->table->connections; i++) {
        struct asker *a = &p->askers[i];
        *a = (struct asker){.pool = p, .source = table_source_new(p->table)};
        int e = pthread_create(&a->thread, NULL, run, a);
        BUG_IF(e != 0 && i == 0, "no thread for look-ups: %s", strerror(e));
        if (e != 0) {
            table_source_free(a->source);
            break;
        }
        p->naskers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct lookuppool *lookuppool_new(const struct table *t, int wake)
{
    struct lookuppool *p = mem_new(sizeof *p);
    pthread_condattr_t by_clock;
    p->table = t;
    p->wake = wake;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&by_clock);
    pthread_condattr_setclock(&by_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->more, &by_clock);
    pthread_condattr_destroy(&by_clock);
    start(p);
    return p;
}

void lookuppool_free(struct lookuppool *p, void (*each)(struct lookuppool_key *k))
{
    struct lookuppool_key *k;
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->naskers; i++)
        table_source_stop(p->askers[i].source);
    for (unsigned i = 0; i < p->naskers; i++) {
        pthread_join(p->askers[i].thread, NULL);
        table_source_free(p->askers[i].source);
    }
    while ((k = take(&p->asked)) != NULL)
        each(k);
    while ((k = take(&p->done)) != NULL)
        each(k);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

void lookuppool_ask(struct lookuppool *p, struct lookuppool_key *k)
{
    pthread_mutex_lock(&p->lock);
    put(&p->asked, k);
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

struct lookuppool_key *lookuppool_take(struct lookuppool *p)
{
    pthread_mutex_lock(&p->lock);
    struct lookuppool_key *k = take(&p->done);
    pthread_mutex_unlock(&p->lock);
    return k;
}

struct lookuppool_stats lookuppool_stats(struct lookuppool *p)
{
    pthread_mutex_lock(&p->lock);
    struct lookuppool_stats s = p->stats;
    pthread_mutex_unlock(&p->lock);
    return s;
}
