/* SPDX-License-Identifier: Apache-2.0 */
#include "server/inspect/inspector.h"
#include "base/mem.h"
#include "cep/task/taskinspect.h"
#include "server/wire/inspectwire.h"
#include <pthread.h>

struct asking {
    struct asking *next;
    uint64_t number; /* 0: it has not begun */
    uint64_t uid, from;
    struct bytes key, json, trace;
    bool has_key, traces, counts;
    struct taskcount_state *states;
    unsigned nstates;
    char *at;
    unsigned worker, keys, items, found;
    int64_t older_ms;
    inspector_done *done;
    void *ctx;
};

struct inspector {
    struct crew *crew;
    unsigned workers;
    uint64_t last;
    uint32_t epoch;
    struct asking *under_way;
    struct bytes out;
    pthread_mutex_t lock; /* of what follows */
    struct asking *wanted;
};

struct inspector *inspector_new(struct crew *crew, unsigned workers)
{
    struct inspector *i = mem_new(sizeof *i);
    i->crew = crew;
    i->workers = workers;
    pthread_mutex_init(&i->lock, NULL);
    return i;
}

static void end(struct asking *a, enum err e)
{
    const struct inspector_answer answer = {(const char *)a->json.p, a->json.n, a->worker, a->from};
    a->done(a->ctx, e, &answer);
    bytes_fini(&a->key);
    bytes_fini(&a->json);
    bytes_fini(&a->trace);
    mem_free(a->at);
    mem_free(a->states);
    mem_free(a);
}

static struct asking *take_wanted(struct inspector *i)
{
    pthread_mutex_lock(&i->lock);
    struct asking *a = i->wanted;
    i->wanted = NULL;
    pthread_mutex_unlock(&i->lock);
    return a;
}

void inspector_attempt_failed(struct inspector *i)
{
    struct asking *a = i->under_way;
    i->under_way = NULL;
    for (struct asking *next = NULL; a != NULL; a = next) {
        next = a->next;
        end(a, ERR_CONFLICT);
    }
}

void inspector_scale(struct inspector *i, unsigned workers)
{
    i->workers = workers;
}

void inspector_free(struct inspector *i)
{
    if (i == NULL)
        return;
    inspector_attempt_failed(i);
    i->under_way = take_wanted(i);
    inspector_attempt_failed(i);
    bytes_fini(&i->out);
    pthread_mutex_destroy(&i->lock);
    mem_free(i);
}

void inspector_want(struct inspector *i, const struct inspector_ask *ask, inspector_done *done,
                    void *ctx)
{
    struct asking *a = mem_new(sizeof *a);
    a->uid = ask->uid;
    a->has_key = ask->key != NULL;
    if (a->has_key)
        bytes_put(&a->key, ask->key, ask->key_n);
    a->traces = ask->trace != NULL;
    if (a->traces)
        bytes_put(&a->trace, ask->trace->p, ask->trace->n);
    a->worker = ask->worker;
    a->from = ask->from;
    a->keys = ask->keys;
    a->items = ask->items;
    a->at = ask->at != NULL ? mem_str(ask->at) : NULL;
    a->older_ms = ask->older_ms;
    a->counts = ask->counts;
    a->nstates = ask->nstates;
    a->states = mem_array(ask->nstates + 1, sizeof *a->states);
    for (unsigned s = 0; s < ask->nstates; s++)
        a->states[s] = ask->states[s];
    a->done = done;
    a->ctx = ctx;
    pthread_mutex_lock(&i->lock);
    a->next = i->wanted;
    i->wanted = a;
    pthread_mutex_unlock(&i->lock);
}

static void send(struct inspector *i, struct asking *a)
{
    a->number = ++i->last;
    const struct inspectwire_ask m = {.number = a->number,
                                      .uid = a->uid,
                                      .key = a->has_key ? a->key.p : NULL,
                                      .key_n = a->key.n,
                                      .from = a->from,
                                      .keys = a->keys - a->found,
                                      .items = a->items,
                                      .at = a->at,
                                      .older_ms = a->older_ms,
                                      .counts = a->counts,
                                      .states = a->states,
                                      .nstates = a->nstates};
    bytes_reset(&i->out);
    if (a->traces) {
        bytes_u64(&i->out, a->number);
        bytes_put(&i->out, a->trace.p, a->trace.n);
        bytes_reset(&a->trace);
    } else {
        inspectwire_put_ask(&m, &i->out);
    }
    crew_send(i->crew, a->worker, a->traces ? CONTROL_TRACE : CONTROL_INSPECT, i->epoch, &i->out);
}

void inspector_turn(struct inspector *i, bool up, uint32_t epoch)
{
    struct asking *a = take_wanted(i);
    i->epoch = epoch;
    for (struct asking *next = NULL; a != NULL; a = next) {
        next = a->next;
        if (!up) {
            end(a, ERR_CONFLICT);
        } else if (a->traces) {
            a->worker = (unsigned)(a->uid % i->workers);
            a->next = i->under_way;
            i->under_way = a;
            send(i, a);
        } else if (a->worker >= i->workers) { /* there were more when it was last answered */
            a->worker = 0;
            a->from = 0;
            end(a, ERR_OK);
        } else {
            a->next = i->under_way;
            i->under_way = a;
            send(i, a);
        }
    }
}

enum err inspector_frame(struct inspector *i, unsigned worker, const struct channel_frame *f)
{
    struct inspectwire_answer m;
    enum err e = inspectwire_get_answer(f->p, f->n, &m);
    struct asking **at = &i->under_way, *a = NULL;
    if (e != ERR_OK)
        return e;
    while ((a = *at) != NULL && a->number != m.number)
        at = &a->next;
    if (a == NULL || a->worker != worker)
        return a == NULL ? ERR_OK : ERR_CORRUPT; /* of an attempt that is over */
    if (m.keys > 0 && a->json.n > 0)
        bytes_u8(&a->json, ',');
    bytes_put(&a->json, m.json, m.json_n);
    a->found += m.keys;
    a->from = m.next;
    if (m.next == 0)
        a->worker++;
    bool all = a->worker == i->workers || a->traces,
         enough = a->found >= a->keys || a->json.n > TASKINSPECT_BYTES_MAX;
    if (!all && !enough) {
        send(i, a);
        return ERR_OK;
    }
    *at = a->next;
    if (all || (a->has_key && enough))
        a->worker = 0;
    end(a, ERR_OK);
    return ERR_OK;
}
