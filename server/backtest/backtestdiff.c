/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestdiff.h"
#include "base/mem.h"
#include "server/backtest/backtestparam.h"
#include "server/http/jsonw.h"
#include <errno.h>
#include <stdlib.h>

enum { HOUR_MS = 3600000, DAY_HOURS = 24, TOP_KEYS = 20, HOURS_SHOWN = 31 * 24, PATH_BYTES = 4096 };

/* The alerts of a set in the time that was asked for, by id. */
struct list {
    struct backtesttold_alert **v;
    size_t n;
};
struct count { /* of an hour */
    int64_t hour;
    uint64_t old, new;
};
struct counts {
    struct count *v;
    size_t n, cap;
};
struct quality {
    uint64_t true_alerts, false_alerts, caught;
    double true_sum, false_sum;
    bool known;
};

const char *backtestdiff_side_name(enum backtestdiff_side s)
{
    static const char *const names[] = {
#define BACKTESTDIFF_NAME(name, text) text,
        BACKTESTDIFF_SIDES(BACKTESTDIFF_NAME)
#undef BACKTESTDIFF_NAME
    };
    return names[s];
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct backtesttold_alert *const *)a)->id,
                  (*(struct backtesttold_alert *const *)b)->id);
}

static int by_time(const void *a, const void *b)
{
    const struct backtesttold_alert *x = *(struct backtesttold_alert *const *)a;
    const struct backtesttold_alert *y = *(struct backtesttold_alert *const *)b;
    return x->time != y->time ? (x->time < y->time ? -1 : 1) : strcmp(x->id, y->id);
}

static struct list list_of(const struct backtesttold *t, const struct backtesttold_set *s)
{
    struct backtesttold_alert *a, *next;
    struct list l = {.v = mem_array(MAP_COUNT(s->alerts) + 1, sizeof(struct backtesttold_alert *))};
    MAP_EACH(((struct backtesttold_set *)(uintptr_t)s)->alerts, a, next)
        if (!a->gone && a->time >= t->plan->from && a->time < t->plan->to)
            l.v[l.n++] = a;
    if (l.n > 1)
        qsort(l.v, l.n, sizeof(struct backtesttold_alert *), by_id);
    return l;
}

/* Both are by id: what is on each side, in order of time. */
static void divide(const struct list *new, const struct list *old,
                   struct list sides[BACKTESTDIFF_NSIDES])
{
    size_t i = 0, k = 0;
    for (unsigned s = 0; s < BACKTESTDIFF_NSIDES; s++)
        sides[s] =
            (struct list){.v = mem_array(new->n + old->n + 1, sizeof(struct backtesttold_alert *))};
    while (i < new->n || k < old->n) {
        int c = i == new->n ? 1 : k == old->n ? -1 : strcmp(new->v[i]->id, old->v[k]->id);
        unsigned s = c == 0  ? BACKTESTDIFF_BOTH
                     : c < 0 ? BACKTESTDIFF_ONLY_NEW
                             : BACKTESTDIFF_ONLY_OLD;
        sides[s].v[sides[s].n++] = c <= 0 ? new->v[i] : old->v[k];
        i += c <= 0;
        k += c >= 0;
    }
    for (unsigned s = 0; s < BACKTESTDIFF_NSIDES; s++)
        if (sides[s].n > 1)
            qsort(sides[s].v, sides[s].n, sizeof(struct backtesttold_alert *), by_time);
}

static enum err write_file(struct backtesttold *t, const struct list *l, unsigned variant,
                           enum backtestdiff_side side, const char *folder, struct diag *d)
{
    char path[PATH_BYTES];
    struct bytes line = {0};
    enum err e = ERR_OK;
    snprintf(path, sizeof path, "%s/alerts-%u-%s.jsonl", folder, variant,
             backtestdiff_side_name(side));
    FILE *f = fopen(path, "we");
    for (size_t i = 0; f != NULL && e == ERR_OK && i < l->n; i++) {
        e = backtesttold_line(t, l->v[i], &line);
        if (e == ERR_OK && (fwrite(line.p, 1, line.n, f) != line.n ||
                            fprintf(f, ",\"side\":\"%s\"}\n", backtestdiff_side_name(side)) < 0))
            e = ERR_IO;
    }
    if (f == NULL || fclose(f) != 0 || e != ERR_OK) {
        diag_say(d, "io", "is there free space?", "%s cannot be written: %s", path,
                 strerror(errno));
        e = ERR_IO;
    }
    bytes_fini(&line);
    return e;
}

/* --- figures ---------------------------------------------------------------------------------------------------------- */

static int64_t hour_of(evtime t)
{
    return t / HOUR_MS - (t % HOUR_MS < 0);
}

static int by_hour(const void *a, const void *b)
{
    const struct count *x = a, *y = b;
    return x->hour < y->hour ? -1 : x->hour > y->hour;
}

static void add_hours(struct counts *c, const struct list *l, bool old)
{
    for (size_t i = 0; i < l->n; i++) {
        c->v = mem_grow(c->v, c->n, 1, &c->cap, sizeof *c->v);
        c->v[c->n++] = (struct count){hour_of(l->v[i]->time), old, !old};
    }
}

/* One for each span of so many hours that has any, in order. */
static void gather(struct counts *c, unsigned hours)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        int64_t h = c->v[i].hour, r = h % hours;
        c->v[i].hour = h - (r < 0 ? r + hours : r);
    }
    if (c->n > 1)
        qsort(c->v, c->n, sizeof *c->v, by_hour);
    for (size_t i = 0; i < c->n; i++)
        if (n > 0 && c->v[n - 1].hour == c->v[i].hour) {
            c->v[n - 1].old += c->v[i].old;
            c->v[n - 1].new += c->v[i].new;
        } else {
            c->v[n++] = c->v[i];
        }
    c->n = n;
}

static void write_counts(const struct counts *c, const char *name, struct bytes *out)
{
    jsonw_key(out, name);
    jsonw_open(out, '[');
    for (size_t i = 0; i < c->n; i++) {
        jsonw_open(out, '{');
        jsonw_ktime(out, "time", c->v[i].hour * HOUR_MS);
        jsonw_ku64(out, "new", c->v[i].new);
        jsonw_ku64(out, "old", c->v[i].old);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

/* Hours where they can be shown; days always. */
static void write_times(const struct list *new, const struct list *old, struct bytes *out)
{
    struct counts c = {0};
    add_hours(&c, new, false);
    add_hours(&c, old, true);
    gather(&c, 1);
    if (c.n > 0 && c.v[c.n - 1].hour - c.v[0].hour < HOURS_SHOWN)
        write_counts(&c, "by_hour", out);
    gather(&c, DAY_HOURS);
    write_counts(&c, "by_day", out);
    mem_free(c.v);
}

static uint64_t most(const struct backtesttold_key *k)
{
    return k->new > k->old ? k->new : k->old;
}

static void write_keys(struct backtesttold *t, const struct list *new, const struct list *old,
                       struct bytes *out)
{
    const struct backtesttold_key *top[TOP_KEYS + 1];
    struct backtesttold_key *k, *next;
    unsigned n = 0;
    MAP_EACH(t->keys, k, next)
        k->new = k->old = 0;
    for (size_t i = 0; i < new->n; i++)
        new->v[i]->key->new ++;
    for (size_t i = 0; i < old->n; i++)
        old->v[i]->key->old++;
    MAP_EACH(t->keys, k, next) {
        unsigned at = n;
        if (most(k) == 0)
            continue;
        for (; at > 0 && most(top[at - 1]) < most(k); at--)
            top[at] = top[at - 1];
        top[at] = k;
        n = n < TOP_KEYS ? n + 1 : n;
    }
    jsonw_key(out, "top_keys");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n; i++) {
        jsonw_open(out, '{');
        jsonw_kraw(out, "key", top[i]->json);
        jsonw_ku64(out, "new", top[i]->new);
        jsonw_ku64(out, "old", top[i]->old);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

/* What is to be caught: labelled events, or alerts that were called fraud. */
static uint64_t wanted(const struct backtesttold *t)
{
    return backtesttold_is_said(t) ? t->said[BACKTESTTOLD_TRUE] : t->nevents;
}

/* Both are by id. */
static void pass_on_said(const struct list *new, const struct list *old)
{
    for (size_t i = 0, k = 0; i < new->n &&k < old->n;) {
        int c = strcmp(new->v[i]->id, old->v[k]->id);
        if (c == 0)
            new->v[i]->said = old->v[k]->said;
        i += c <= 0;
        k += c >= 0;
    }
}

static void count_right(struct quality *q, const struct backtesttold_alert *a,
                        enum backtesttold_label right)
{
    q->true_alerts += right == BACKTESTTOLD_TRUE;
    q->false_alerts += right == BACKTESTTOLD_FALSE;
    q->true_sum += right == BACKTESTTOLD_TRUE ? a->sum : 0;
    q->false_sum += right == BACKTESTTOLD_FALSE ? a->sum : 0;
}

static struct quality quality_said(const struct list *l)
{
    struct quality q = {.known = true};
    for (size_t i = 0; i < l->n; i++) {
        count_right(&q, l->v[i], l->v[i]->said);
    }
    q.caught = q.true_alerts;
    return q;
}

/* An alert is right if any of its events is labelled; an event is caught if any alert stands for it. */
static struct quality quality_of(const struct backtesttold *t, const struct backtesttold_set *s,
                                 const struct list *l)
{
    struct quality q = {.known = s->knows_labels && t->plan->label_column != NULL};
    if (backtesttold_is_said(t))
        return quality_said(l);
    uint8_t *caught = mem_new(t->nevents / 8 + 1);
    for (size_t i = 0; q.known && i < l->n; i++) {
        const struct backtesttold_alert *a = l->v[i];
        count_right(&q, a, a->nhits > 0 ? BACKTESTTOLD_TRUE : BACKTESTTOLD_FALSE);
        for (uint32_t h = 0; h < a->nhits; h++) {
            uint32_t e = t->hits[a->hits_at + h];
            uint8_t bit = (uint8_t)(1u << e % 8);
            q.caught += (caught[e / 8] & bit) == 0;
            caught[e / 8] |= bit;
        }
    }
    mem_free(caught);
    return q;
}

static void put_ratio(struct bytes *out, const char *key, double part, double whole)
{
    jsonw_key(out, key);
    if (whole > 0)
        jsonw_num(out, part / whole);
    else
        jsonw_null(out);
}

static double sum_of(const struct list *l)
{
    double sum = 0;
    for (size_t i = 0; i < l->n; i++)
        sum += l->v[i]->sum;
    return sum;
}

static void put_amount(const struct backtesttold *t, const char *name, double amount,
                       struct bytes *out)
{
    jsonw_key(out, name);
    if (t->plan->sum != NULL)
        jsonw_num(out, amount);
    else
        jsonw_null(out);
}

static void put_sum(const struct backtesttold *t, const struct list *l, struct bytes *out)
{
    put_amount(t, "sum", sum_of(l), out);
}

static void write_quality(const struct backtesttold *t, const struct quality *q, struct bytes *out)
{
    jsonw_key(out, "quality");
    if (!q->known) {
        jsonw_null(out);
        return;
    }
    uint64_t alerts = q->true_alerts + q->false_alerts;
    double precision = alerts > 0 ? (double)q->true_alerts / (double)alerts : 0;
    uint64_t all = wanted(t);
    double recall = all > 0 ? (double)q->caught / (double)all : 0;
    jsonw_open(out, '{');
    jsonw_ku64(out, "true_alerts", q->true_alerts);
    jsonw_ku64(out, "false_alerts", q->false_alerts);
    jsonw_ku64(out, "caught", q->caught);
    jsonw_ku64(out, "missed", all - q->caught);
    put_ratio(out, "precision", (double)q->true_alerts, (double)alerts);
    put_ratio(out, "recall", (double)q->caught, (double)all);
    put_ratio(out, "f1", 2 * precision * recall, precision + recall);
    put_amount(t, "true_sum", q->true_sum, out);
    put_amount(t, "false_sum", q->false_sum, out);
    jsonw_close(out, '}');
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

static void write_sides(const struct backtesttold *t, const struct list sides[BACKTESTDIFF_NSIDES],
                        struct bytes *out)
{
    for (unsigned s = 0; s < BACKTESTDIFF_NSIDES; s++) {
        jsonw_key(out, backtestdiff_side_name(s));
        jsonw_open(out, '{');
        jsonw_ku64(out, "alerts", sides[s].n);
        put_sum(t, &sides[s], out);
        jsonw_close(out, '}');
    }
}

static void write_segments(struct backtesttold *t, const struct list *new, const struct list *old,
                           bool judged, struct bytes *out)
{
    const struct backtestsegment_side a = {new->v, new->n}, b = {old->v, old->n};
    backtestsegment_write(t, &a, &b, judged, out);
}

static void write_drift(const struct backtesttold *t, const struct list *l, struct bytes *out)
{
    struct backtestdrift_found found;
    evtime *times = mem_array(l->n + 1, sizeof *times);
    for (size_t i = 0; i < l->n; i++)
        times[i] = l->v[i]->time;
    jsonw_key(out, "drift");
    if (backtestdrift_find(&t->drift, times, l->n, &found)) {
        jsonw_open(out, '{');
        jsonw_ktime(out, "since", found.since);
        jsonw_key(out, "before");
        jsonw_num(out, found.before);
        jsonw_key(out, "after");
        jsonw_num(out, found.after);
        jsonw_close(out, '}');
    } else {
        jsonw_null(out);
    }
    mem_free(times);
}

static enum err write_variant(struct backtesttold *t, unsigned variant, const struct list *old,
                              bool has_old, const char *folder, struct diag *d, struct bytes *out)
{
    const struct backtesttold_set *s = &t->sets[variant];
    struct list sides[BACKTESTDIFF_NSIDES], new = list_of(t, s);
    pass_on_said(&new, old);
    struct quality q = quality_of(t, s, &new);
    enum err e = ERR_OK;
    divide(&new, old, sides);
    jsonw_open(out, '{');
    jsonw_ku64(out, "variant", variant);
    jsonw_key(out, "parameters");
    backtestparam_values(t->plan->parameters, variant, out);
    jsonw_ku64(out, "alerts", new.n);
    put_sum(t, &new, out);
    jsonw_ku64(out, "held_back", s->held_back);
    jsonw_ku64(out, "timeouts", s->kinds[RESULT_TIMEOUT]);
    jsonw_ku64(out, "late", s->kinds[RESULT_LATE]);
    jsonw_ku64(out, "errors", s->kinds[RESULT_ERROR]);
    if (has_old)
        write_sides(t, sides, out);
    write_quality(t, &q, out);
    write_times(&new, old, out);
    write_keys(t, &new, old, out);
    write_segments(t, &new, old, q.known, out);
    write_drift(t, &new, out);
    jsonw_close(out, '}');
    for (unsigned i = 0; i < BACKTESTDIFF_NSIDES; i++) {
        if (e == ERR_OK)
            e = write_file(t, &sides[i], variant, i, folder, d);
        mem_free(sides[i].v);
    }
    mem_free(new.v);
    return e;
}

enum err backtestdiff_write(struct backtesttold *t, bool old, const char *folder, struct diag *d,
                            struct bytes *out)
{
    enum err e = ERR_OK;
    unsigned n = t->nsets - old;
    const struct backtesttold_set *s = old ? &t->sets[n] : NULL;
    struct list before = s != NULL ? list_of(t, s) : (struct list){0};
    jsonw_key(out, "old");
    if (s == NULL) {
        jsonw_null(out);
    } else {
        struct quality q = quality_of(t, s, &before);
        jsonw_open(out, '{');
        jsonw_ku64(out, "alerts", before.n);
        put_sum(t, &before, out);
        write_quality(t, &q, out);
        jsonw_close(out, '}');
    }
    jsonw_key(out, "labels");
    if (t->plan->label_column != NULL)
        jsonw_u64(out, t->nevents);
    else
        jsonw_null(out);
    jsonw_key(out, "judged");
    if (backtesttold_is_said(t))
        jsonw_u64(out, t->said[BACKTESTTOLD_TRUE] + t->said[BACKTESTTOLD_FALSE]);
    else
        jsonw_null(out);
    jsonw_key(out, "variants");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < n && e == ERR_OK; i++)
        e = write_variant(t, i, &before, old, folder, d, out);
    jsonw_close(out, ']');
    mem_free(before.v);
    return e;
}
