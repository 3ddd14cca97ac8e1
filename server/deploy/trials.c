/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/trials.h"
#include "base/mem.h"
#include "cep/key/keytable.h"
#include <pthread.h>

enum { POINTS = 10000, PER_PERCENT = POINTS / 100 };
/* A stream on which nothing comes any more gives no watermark; then it is over after this. */
#define WAIT_NS (INT64_C(600) * 1000000000)

struct share {
    evtime w;
    unsigned percent;
};
struct trial {
    struct trials_one of;
    struct share *shares;
    size_t nshares, cap;
    montime ending; /* since when */
};
struct trials {
    pthread_mutex_t lock;
    struct trial *v;
    size_t n, cap;
};

struct trials *trials_new(void)
{
    struct trials *t = mem_new(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void trials_free(struct trials *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++)
        mem_free(t->v[i].shares);
    mem_free(t->v);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

static struct trial *find(struct trials *t, uint64_t uid)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].of.uid == uid)
            return &t->v[i];
    return NULL;
}

static void add_share(struct trial *one, evtime w, unsigned percent)
{
    one->shares = mem_grow(one->shares, one->nshares, 1, &one->cap, sizeof *one->shares);
    one->shares[one->nshares++] = (struct share){w, percent};
    one->of.percent = percent;
    one->of.had_share = one->of.had_share || percent > 0;
}

static void set_state(struct trial *one, enum catalog_trial_state state, evtime ended)
{
    one->of.state = state;
    one->of.ended = ended < one->of.ended ? ended : one->of.ended;
    if (state == TRIAL_ENDS)
        one->ending = timebase_mono_ns();
}

void trials_put(struct trials *t, const struct catalog_trial *of)
{
    pthread_mutex_lock(&t->lock);
    struct trial *one = find(t, of->uid);
    if (one == NULL) {
        t->v = mem_grow(t->v, t->n, 1, &t->cap, sizeof *t->v);
        one = &t->v[t->n++];
        *one = (struct trial){0};
    }
    one->of = (struct trials_one){.uid = of->uid,
                                  .rule = of->rule,
                                  .old = of->old,
                                  .version = of->version,
                                  .began = of->began,
                                  .copied = of->copied,
                                  .becomes = of->became != 0,
                                  .ended = EVTIME_MAX};
    one->nshares = 0;
    for (unsigned i = 0; i < of->nshares; i++)
        add_share(one, of->shares[i].w, of->shares[i].percent);
    set_state(one, of->state, of->ended);
    pthread_mutex_unlock(&t->lock);
}

void trials_end(struct trials *t, uint64_t uid, enum catalog_trial_state state, evtime ended)
{
    pthread_mutex_lock(&t->lock);
    struct trial *one = find(t, uid);
    if (one != NULL)
        set_state(one, state, ended);
    pthread_mutex_unlock(&t->lock);
}

void trials_becomes(struct trials *t, uint64_t uid)
{
    pthread_mutex_lock(&t->lock);
    struct trial *one = find(t, uid);
    if (one != NULL)
        one->of.becomes = true;
    pthread_mutex_unlock(&t->lock);
}

void trials_share(struct trials *t, uint64_t uid, evtime w, unsigned percent)
{
    pthread_mutex_lock(&t->lock);
    struct trial *one = find(t, uid);
    if (one != NULL)
        add_share(one, w, percent);
    pthread_mutex_unlock(&t->lock);
}

/* --- a result ---------------------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

unsigned trials_point(uint64_t rule, const struct result *r)
{
    uint64_t hash = 0;
    if (r->key_len > 0) {
        hash = keytable_hash(r->key, r->key_len);
    } else if (r->nrows > 0) {
        const struct place *at = &r->rows[0].place;
        hash = mixed(mixed((uint64_t)at->stream << 32 | at->partition) ^ at->offset);
    }
    /* Not the same keys for each rule, else they would be the ones on whom all is tried. */
    return (unsigned)(mixed(hash ^ rule * UINT64_C(0x9e3779b97f4a7c15)) % POINTS);
}

static unsigned percent_at(const struct trial *one, evtime time)
{
    unsigned percent = 0;
    for (size_t i = 0; i < one->nshares && one->shares[i].w <= time; i++)
        percent = one->shares[i].percent;
    return percent;
}

struct trials_verdict trials_judge(struct trials *t, const struct result *r)
{
    bool is_new = r->rule->stands_for != 0;
    struct trials_verdict v = {.tell = !is_new,
                               .rule = is_new ? r->rule->stands_for : r->rule_uid,
                               .side = is_new ? TRIAL_NEW : TRIAL_OLD};
    if (t == NULL)
        return v;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++) {
        const struct trial *one = &t->v[i];
        bool mine = is_new ? one->of.uid == r->rule_uid : one->of.rule == r->rule_uid;
        if (!mine || r->time < one->of.began || r->time >= one->of.ended)
            continue;
        bool of_new = trials_point(v.rule, r) < percent_at(one, r->time) * PER_PERCENT;
        v.tell = of_new == is_new;
        v.trial = one->of.uid;
        break;
    }
    pthread_mutex_unlock(&t->lock);
    return v;
}

/* --- which there are --------------------------------------------------------------------------------------------- */

bool trials_of(struct trials *t, uint64_t rule, struct trials_one *out)
{
    bool found = false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].of.rule == rule && t->v[i].of.state != TRIAL_GONE &&
            (!found || t->v[i].of.state == TRIAL_RUNS)) {
            *out = t->v[i].of;
            found = true;
        }
    pthread_mutex_unlock(&t->lock);
    return found;
}

unsigned trials_list(struct trials *t, struct trials_one *out, unsigned cap)
{
    unsigned n = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].of.state != TRIAL_GONE && n++ < cap)
            out[n - 1] = t->v[i].of;
    pthread_mutex_unlock(&t->lock);
    return n;
}

/* --- what was found ---------------------------------------------------------------------------------------------- */

void trials_sums(struct trials *t, uint64_t uid, const struct catalog_trial_sums *sums)
{
    pthread_mutex_lock(&t->lock);
    struct trial *one = find(t, uid);
    if (one != NULL)
        one->of.sums = *sums;
    pthread_mutex_unlock(&t->lock);
}

static uint64_t *class_of(struct catalog_trial_sums *s, unsigned sides)
{
    return sides == TRIAL_ONLY_OLD ? &s->only_old : sides == TRIAL_BOTH ? &s->both : &s->only_new;
}

void trials_noted(struct trials *t, const struct catalog_trial_result *r, size_t n)
{
    pthread_mutex_lock(&t->lock);
    for (; n > 0; n--, r++) {
        struct trial *one = find(t, r->trial);
        if (one == NULL || r->before == r->after)
            continue;
        if (r->before != 0)
            --*class_of(&one->of.sums, r->before);
        if (r->after != 0)
            ++*class_of(&one->of.sums, r->after);
        if (r->told && !r->retracted)
            ++*(r->side == TRIAL_OLD ? &one->of.sums.told_old : &one->of.sums.told_new);
    }
    pthread_mutex_unlock(&t->lock);
}

/* --- its end ----------------------------------------------------------------------------------------------------- */

uint64_t trials_due(struct trials *t, evtime watermark, montime now)
{
    uint64_t uid = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n && uid == 0; i++)
        if (t->v[i].of.state == TRIAL_ENDS && !t->v[i].of.becomes &&
            (t->v[i].of.ended <= watermark || now - t->v[i].ending > WAIT_NS))
            uid = t->v[i].of.uid;
    pthread_mutex_unlock(&t->lock);
    return uid;
}
