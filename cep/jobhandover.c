/* SPDX-License-Identifier: Apache-2.0
 *
 * From one version of a rule to the next: who gives state to whom, at what event time, through which map. The giver is the
 * version before, or the rule that the cut names: one that ran beside it, one that goes on (a copy), or a lane, whose keys
 * are of another definition (task/tasklane.h). */
#include "base/mem.h"
#include "cep/jobdef.h"
#include "cep/key/statemap.h"
#include <stdlib.h>
#include <string.h>

static const struct job_cut *hands_over(const struct jobdef_rule *r, bool gives)
{
    if (r->cut.n == 0)
        return NULL;
    const struct job_cut *c = &r->cut.cuts[gives ? r->cut.n - 1 : 0];
    return c->handover && c->deployed != gives ? c : NULL;
}

static struct statemap_rule version_of(const struct jobdef_rule *r)
{
    return (struct statemap_rule){r->pub.plan, r->match, r->window, r->over};
}

static bool is_keyed(const struct jobdef_rule *r)
{
    return r->match != NULL || r->over != NULL ||
           (r->window != NULL && r->pub.plan->shape == RULE_WINDOW);
}

static void add_handover(struct job *j, const struct jobdef_rule *from,
                         const struct jobdef_rule *to, const struct jobdef_rule *drops)
{
    struct jobdef_key *k = &j->keys[to->keydef], *of = &j->keys[from->keydef];
    const struct statemap_rule a = version_of(from), b = version_of(to);
    const struct job_cut *begin = hands_over(to, false);
    k->handovers = mem_resize_array(k->handovers, k->nhandovers + 1, sizeof *k->handovers);
    struct statemap *map = statemap_new(&a, &b);
    if (k->by_arrival) /* both may have rows before time has come to it */
        statemap_refuse(map, "its rows are taken as they come, not in order of time");
    if (begin->handover == JOB_HANDOVER_RESET)
        statemap_refuse(map, "it was to begin anew");
    k->handovers[k->nhandovers++] =
        (struct jobdef_handover){.of = from->keydef,
                                 .from = from->slot,
                                 .to = to->slot,
                                 .drops = drops == NULL ? JOBDEF_NONE : drops->slot,
                                 .lane = of != k,
                                 .at = begin->w,
                                 .version = to->pub.version,
                                 .copies = begin->handover == JOB_HANDOVER_COPY,
                                 .map = map};
    k->presums = k->presums_all = false; /* sums go past the order of time */
    of->presums = of->presums_all = false;
}

/* Its last version before that one, or NULL. */
static const struct jobdef_rule *last_before(const struct job *j, uint64_t uid, uint32_t before)
{
    const struct jobdef_rule *last = NULL;
    for (unsigned i = 0; i < j->nrules; i++) {
        const struct jobdef_rule *r = &j->rules[i];
        if (r->pub.uid == uid && r->pub.version < before &&
            (last == NULL || r->pub.version > last->pub.version))
            last = r;
    }
    return last;
}

static bool same_keys(const struct job *j, const struct jobdef_key *a, const struct jobdef_key *b)
{
    return a == b ||
           (a->stream != b->stream && a->by_arrival == b->by_arrival && a->by_mark == b->by_mark &&
            plan_order_same(a->order, b->order) && plan_key_same(&a->key, &b->key) &&
            schema_same_rows(j->schemas[a->stream], j->schemas[b->stream]));
}

/* Does it end where that one begins, with state of the same kind and keys? */
static bool fits(const struct job *j, const struct jobdef_rule *from, const struct jobdef_rule *to)
{
    const struct job_cut *end = from == NULL ? NULL : hands_over(from, true);
    if (end == NULL || end->w != hands_over(to, false)->w)
        return false;
    if (to->join != NULL)
        return from->join != NULL;
    return is_keyed(from) && same_keys(j, &j->keys[from->keydef], &j->keys[to->keydef]);
}

/* The version of another rule whose state that one begins with a copy of: of those that have begun by then the newest, but
 * for one that takes its own state from the copy. */
static const struct jobdef_rule *copied_by(const struct job *j, const struct jobdef_rule *to)
{
    const struct job_cut *begin = hands_over(to, false);
    const struct jobdef_rule *last = NULL;
    for (unsigned i = 0; i < j->nrules; i++) {
        const struct jobdef_rule *r = &j->rules[i];
        const struct job_cut *first = hands_over(r, false);
        if (r->pub.uid != begin->from ||
            (first != NULL && (first->w > begin->w || first->from == to->pub.uid)))
            continue;
        if (last == NULL || r->pub.version > last->pub.version)
            last = r;
    }
    bool fits =
        last != NULL && last != to &&
        (to->join != NULL ? last->join != NULL : is_keyed(last) && last->keydef == to->keydef);
    return fits ? last : NULL;
}

/* The state comes from the version before, or from the rule that the cut names. */
static void find_handover(struct job *j, const struct jobdef_rule *to)
{
    const struct job_cut *begin = hands_over(to, false);
    const struct jobdef_rule *from = NULL, *before = NULL;
    if (begin->handover == JOB_HANDOVER_COPY) {
        from = copied_by(j, to);
    } else {
        before = last_before(j, to->pub.uid, to->pub.version);
        if (!fits(j, before, to) || (to->join == NULL && before->keydef != to->keydef))
            before = NULL;
        from = begin->from == 0 ? before : last_before(j, begin->from, UINT32_MAX);
        if (from != before && !fits(j, from, to))
            from = NULL;
    }
    if (from != NULL && to->join != NULL)
        jobrejoin_add(j, from, to, begin);
    else if (from != NULL)
        add_handover(j, from, to, from == before ? NULL : before);
}

static int by_time(const void *a, const void *b)
{
    const struct jobdef_handover *x = a, *y = b;
    return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                          : (x->version > y->version) - (x->version < y->version);
}

/* Of those at one time, who is given state comes before it gives it on. */
static void put_in_order(struct jobdef_key *k)
{
    struct jobdef_handover *h = k->handovers;
    if (k->nhandovers > 1)
        qsort(h, k->nhandovers, sizeof *h, by_time);
    for (unsigned i = 0, moved = 0; i < k->nhandovers; i++, moved = 0)
        for (unsigned n = i + 1; n < k->nhandovers && h[n].at == h[i].at; n++) {
            if (h[n].to != h[i].from || moved++ == k->nhandovers)
                continue;
            struct jobdef_handover earlier = h[n];
            memmove(&h[i + 1], &h[i], (n - i) * sizeof *h);
            h[i] = earlier;
            n = i; /* what is in its place now may wait for another */
        }
}

void jobhandover_add(struct job *j)
{
    for (unsigned i = 0; i < j->nrules; i++) {
        const struct jobdef_rule *to = &j->rules[i];
        const struct job_cut *begin = hands_over(to, false);
        if (begin != NULL && (is_keyed(to) || to->join != NULL))
            find_handover(j, to);
    }
    for (unsigned i = 0; i < j->nkeys; i++)
        put_in_order(&j->keys[i]);
}
