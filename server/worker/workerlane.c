/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread fills pieces of some 64 KiB with what it reads, the worker empties them. Once so many wait, the thread waits. */
#define LOG_MODULE "lane"
#include "server/worker/workerlane.h"
#include "base/bug.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "cep/task/tasklane.h"
#include "server/checkpoint/saveload.h"
#include "server/wire/lanewire.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICE_NS = 1000000,
    PIECE_BYTES = 64 << 10,
    QUEUE_BYTES = 4 << 20, /* that wait to be taken in */
    GROUP_OF_FLOW = UINT32_MAX /* a record of a flow, no entry */
};

struct item { /* key and value follow */
    uint32_t group, key_n, value_n;
};
struct piece {
    struct bytes b;
    size_t at; /* so much of it is taken in */
    struct piece *next;
};

struct workerlane {
    struct arena *arena; /* of the order */
    struct lanewire_order order;
    char *op; /* the operator whose entries are wanted */
    struct saveload_part what;
    pthread_t thread;
    uint64_t entries, records;
    montime began;
    struct piece *now, *filling; /* the worker's, the thread's */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t room;
    struct piece *first, **last;
    size_t bytes;
    bool stop, ended;
    enum err e; /* how it ended */
    char *why;
};

/* --- the thread ------------------------------------------------------------------------------------------------------ */

static void free_piece(struct piece *p)
{
    if (p != NULL)
        bytes_fini(&p->b);
    mem_free(p);
}

/* False: nobody wants it any more. */
static bool hand_on(struct workerlane *l)
{
    struct piece *p = l->filling;
    l->filling = NULL;
    pthread_mutex_lock(&l->lock);
    while (l->bytes >= QUEUE_BYTES && !l->stop)
        pthread_cond_wait(&l->room, &l->lock);
    bool wanted = !l->stop;
    if (p != NULL && wanted) {
        *l->last = p;
        l->last = &p->next;
        l->bytes += p->b.n;
        p = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    free_piece(p);
    return wanted;
}

static enum err add(struct workerlane *l, uint32_t group, const struct snapfile_entry *e)
{
    const struct item head = {group, (uint32_t)e->key_n, (uint32_t)e->value_n};
    if (l->filling == NULL)
        l->filling = mem_new(sizeof *l->filling);
    struct bytes *b = &l->filling->b;
    bytes_put(b, &head, sizeof head);
    bytes_put(b, e->key, e->key_n);
    bytes_put(b, e->value, e->value_n);
    return b->n < PIECE_BYTES || hand_on(l) ? ERR_OK : ERR_CLOSED;
}

static enum err read_record(void *ctx, const void *p, size_t n)
{
    return add(ctx, GROUP_OF_FLOW, &(struct snapfile_entry){.key = "", .value = p, .value_n = n});
}

static enum err read_entry(void *ctx, const char *op, unsigned group,
                           const struct snapfile_entry *e)
{
    struct workerlane *l = ctx;
    return strcmp(op, l->op) == 0 ? add(l, group, e) : ERR_OK;
}

static void *read_all(void *workerlane)
{
    struct workerlane *l = workerlane;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = saveload_part(&l->what, read_record, read_entry, l, &d);
    if (e == ERR_OK)
        (void)hand_on(l);
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    l->e = e;
    l->why = e == ERR_OK ? NULL : diag_text(&d);
    pthread_mutex_unlock(&l->lock);
    diag_fini(&d);
    return NULL;
}

/* --- the worker's ------------------------------------------------------------------------------------------------------ */

static const char *text_of(const struct worker *w, uint64_t uid)
{
    for (unsigned i = 0; w->job != NULL && i < job_nrules(w->job); i++)
        if (job_rule(w->job, i)->uid == uid)
            return job_rule(w->job, i)->plan->sql;
    return NULL;
}

static enum err open_lane(struct worker *w, const struct lanewire_order *m, struct diag *d)
{
    const struct job_cut first = {.deployed = true,
                                  .w = m->saved_w,
                                  .nmarks = m->nmarks,
                                  .marks = m->marks};
    const struct tasklane_load what = {
        .uid = m->uid,
        .version = 1,
        .sql = text_of(w, m->uid),
        .saved = {.uid = m->saved_uid, .version = m->saved_version, .ncuts = 1, .cuts = &first}};
    return what.sql == NULL ? ERR_NOT_FOUND : tasklane_begin(w->task, &what, d);
}

static void close_lane(struct worker *w)
{
    workerlane_free(w->lane);
    w->lane = NULL;
}

static void answer(struct worker *w, uint64_t uid, const char *why)
{
    char text[CONTROL_TEXT_MAX];
    snprintf(text, sizeof text, "%s", why);
    bytes_reset(&w->out);
    lanewire_put_done(&(struct lanewire_done){uid, text}, &w->out);
    worker_say(w, CONTROL_LANED, &w->out);
}

static void fail(struct worker *w, const struct lanewire_order *m, const char *why)
{
    LOG_ERROR("a rule's state of a savepoint cannot be loaded", "folder=%s reason=\"%s\"",
              m->folder, why);
    if (m->must)
        worker_fail(w, "the state of %s cannot be loaded: %s", m->folder, why);
    else
        answer(w, m->uid, why);
}

static void start(struct worker *w, struct workerlane *l)
{
    unsigned from = 0, to = SNAPFILE_GROUPS_MAX;
    if (l->order.key_groups == w->key_groups)
        taskload_key_groups(w->index, w->workers, w->key_groups, &from, &to);
    l->what = (struct saveload_part){l->order.folder, l->order.files, l->order.n, from, to};
    l->op = mem_str(tasklane_operator(w->task));
    l->began = timebase_mono_ns();
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->room, NULL);
    BUG_IF(pthread_create(&l->thread, NULL, read_all, l) != 0, "no thread");
    w->lane = l;
}

enum err workerlane_take(struct worker *w, const struct channel_frame *f)
{
    struct arena *a = arena_new(4096, 0);
    struct lanewire_order m;
    struct diag d;
    diag_init(&d, NULL, 0);
    if (w->lane != NULL && !tasklane_is_loading(w->task))
        close_lane(w); /* its lane was taken away */
    enum err e = w->lane != NULL ? ERR_CORRUPT : lanewire_get_order(f->p, f->n, a, &m);
    bool good = e == ERR_OK;
    if (good && (e = open_lane(w, &m, &d)) == ERR_OK) {
        struct workerlane *l = mem_new(sizeof *l);
        l->arena = a;
        l->order = m;
        a = NULL;
        start(w, l);
    } else if (good) {
        char *why = diag_text(&d);
        fail(w, &m, why[0] != '\0' ? why : err_text(e));
        mem_free(why);
    }
    arena_free(a);
    diag_fini(&d);
    return good ? ERR_OK : e;
}

bool workerlane_is_open(const struct worker *w)
{
    return w->lane != NULL;
}

/* The next piece is l->now. False: none is there yet, or (over) there is none any more. */
static bool next_piece(struct workerlane *l, bool *over)
{
    if (l->now != NULL && l->now->at < l->now->b.n)
        return true;
    free_piece(l->now);
    pthread_mutex_lock(&l->lock);
    l->now = l->first;
    if (l->now != NULL) {
        l->bytes -= l->now->b.n;
        if ((l->first = l->now->next) == NULL)
            l->last = &l->first;
        pthread_cond_signal(&l->room);
    }
    *over = l->now == NULL && l->ended;
    pthread_mutex_unlock(&l->lock);
    return l->now != NULL;
}

static enum err take_in(struct worker *w, struct workerlane *l, struct diag *d)
{
    struct item head;
    const uint8_t *p = l->now->b.p + l->now->at;
    memcpy(&head, p, sizeof head);
    p += sizeof head;
    l->now->at += sizeof head + head.key_n + head.value_n;
    if (head.group == GROUP_OF_FLOW) {
        l->records++;
        return tasklane_flow(w->task, p, head.value_n, d);
    }
    l->entries++;
    return tasklane_entry(w->task, l->op, head.group, p, head.key_n, p + head.key_n, head.value_n,
                          d);
}

static void end(struct worker *w, enum err e, const char *why)
{
    struct workerlane *l = w->lane;
    if (e == ERR_OK) {
        tasklane_done(w->task);
        LOG_INFO("a rule's state of a savepoint was loaded",
                 "folder=%s entries=%" PRIu64 " records=%" PRIu64 " ms=%" PRId64, l->order.folder,
                 l->entries, l->records, (timebase_mono_ns() - l->began) / 1000000);
        answer(w, l->order.uid, "");
    } else {
        fail(w, &l->order, why != NULL && why[0] != '\0' ? why : err_text(e));
    }
    w->active = true;
    close_lane(w);
}

bool workerlane_go_on(struct worker *w)
{
    struct workerlane *l = w->lane;
    if (l == NULL || w->failed || w->broken)
        return false;
    if (!tasklane_is_loading(w->task)) {
        close_lane(w);
        return false;
    }
    if (w->preparing || w->state_full)
        return false; /* it goes on with the rows, or when there is room */
    montime until = timebase_mono_ns() + SLICE_NS;
    struct diag d;
    bool over = false, more = true;
    enum err e = ERR_OK;
    diag_init(&d, NULL, 0);
    do {
        if ((more = next_piece(l, &over)))
            e = take_in(w, l, &d);
        fault_at("lane.load");
    } while (more && e == ERR_OK && timebase_mono_ns() < until);
    if (e != ERR_OK) {
        char *why = diag_text(&d);
        end(w, e, why);
        mem_free(why);
    } else if (over) {
        char *why = l->why; /* the thread has ended */
        end(w, l->e, why);
    }
    diag_fini(&d);
    return more && e == ERR_OK;
}

void workerlane_free(struct workerlane *l)
{
    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->room);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    while (l->first != NULL) {
        struct piece *p = l->first;
        l->first = p->next;
        free_piece(p);
    }
    free_piece(l->now);
    free_piece(l->filling);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->room);
    mem_free(l->op);
    mem_free(l->why);
    arena_free(l->arena);
    mem_free(l);
}
