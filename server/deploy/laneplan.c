/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deploy/laneplan.h"
#include "base/mem.h"
#include "cep/task/tasklane.h"
#include "state/intakelogtrim.h"
#include <string.h>

/* --- may it be? -------------------------------------------------------------------------------------------------- */

static const char *why_not(const struct rule_plan *p)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    const char *engine = tasklane_refuses(p);
    if (engine != NULL)
        return engine;
    if (plan_is_derived(p))
        return "it reads what other rules find, or late or refused events";
    if (p->nlookups > 0)
        return "it looks into a table of a database, which may say other things now than it did "
               "then";
    for (unsigned i = 0, n = plan_roots(p, streams); i < n; i++) {
        if (streams[i]->of != NULL)
            return "it reads what other rules find, or late or refused events";
        if (strcmp(streams[i]->connector, "file") == 0)
            return "it reads files, whose events are not in the log";
        if (streams[i]->watermark == WATERMARK_PUNCTUATED)
            return "its stream has punctuated watermarks: no event time is past all that has come";
    }
    return NULL;
}

enum err laneplan_may(const struct rule_plan *p, struct diag *d)
{
    const char *why = why_not(p);
    if (why == NULL)
        return ERR_OK;
    diag_say(d, "unsupported", "activate it with \"state\": \"keep\" or \"reset\"",
             "the state of rule %s cannot be derived again from the log: %s", p->name, why);
    return ERR_UNSUPPORTED;
}

/* --- how far it looks back ----------------------------------------------------------------------------------------- */

static int64_t window_back(const struct window_plan *w)
{
    return w->kind <= WINDOW_CUMULATE ? w->size_ms + w->lateness_ms : -1;
}

static int64_t over_back(const struct over_plan *o)
{
    int64_t most = 0;
    for (unsigned i = 0; i < o->ncalls; i++) {
        const struct over_call *c = &o->calls[i];
        if (c->kind != OVER_AGG || c->frame.rows || c->frame.preceding < 0)
            return -1;
        most = c->frame.preceding > most ? c->frame.preceding : most;
    }
    return most;
}

static int64_t join_back(const struct join_plan *j)
{
    if (j->windowed)
        return window_back(&j->window);
    int64_t before = j->least_ms < 0 ? -j->least_ms : j->least_ms;
    int64_t after = j->most_ms < 0 ? -j->most_ms : j->most_ms;
    return before > after ? before : after;
}

int64_t laneplan_looks_back(const struct rule_plan *p)
{
    int64_t back = -1;
    if (p->shape == RULE_MATCH && !p->match.within_each_step)
        back = p->match.within_ms;
    else if (p->shape == RULE_WINDOW)
        back = window_back(&p->window);
    else if (p->shape == RULE_OVER)
        back = over_back(&p->over);
    else if (p->shape == RULE_JOIN)
        back = join_back(&p->join);
    if (p->state_ttl_ms > 0 && (back < 0 || p->state_ttl_ms < back))
        back = p->state_ttl_ms;
    return back;
}

/* --- where it begins ----------------------------------------------------------------------------------------------- */

/* The partition's watermark after the block that holds that offset. */
static evtime w_at(struct intakelog *log, uint32_t stream, uint32_t partition, uint64_t offset)
{
    struct intakelog_block *k = mem_new(sizeof *k);
    evtime w = EVTIME_MAX;
    if (intakelog_read(log, stream, partition, offset, k) == ERR_OK) {
        w = k->w;
        intakelog_block_fini(k);
    }
    mem_free(k);
    return w;
}

/* Rows of that time and later raise the watermark to this at least: blocks behind which it is lower have none of them. */
static uint64_t first_of(struct intakelog *log, const struct schema *s, uint32_t partition,
                         uint64_t low, uint64_t end, evtime since)
{
    evtime w;
    if (__builtin_sub_overflow(since, s->delay_ms + 1, &w))
        return low;
    while (low < end) {
        uint64_t mid = low + (end - low) / 2;
        if (w_at(log, s->id, partition, mid) < w)
            low = mid + 1;
        else
            end = mid;
    }
    return low;
}

/* No row before the mark is of that time or later; the mark is not at the first row of all. */
static evtime complete_from(struct intakelog *log, const struct schema *s, const struct job_mark *m,
                            uint64_t first, uint64_t end, evtime since)
{
    evtime w = m->offset < end ? w_at(log, s->id, m->partition, m->offset)
                               : intakelog_w(log, s->id, m->partition);
    evtime past;
    if (since != EVTIME_MIN && m->offset > first)
        return since;
    past = w == EVTIME_MIN || __builtin_add_overflow(w, s->delay_ms + 1, &past) ? w : past;
    return since > past ? since : past;
}

static void look(struct intakelog *log, const struct schema *s, evtime since, struct job_mark *m,
                 struct laneplan_cover *out)
{
    uint64_t first = intakelogtrim_first(log, s->id, m->partition);
    uint64_t end = intakelog_end(log, s->id, m->partition);
    m->offset = since == EVTIME_MIN ? first : first_of(log, s, m->partition, first, end, since);
    out->rows += end - m->offset;
    if (m->offset == 0)
        return;
    evtime from = complete_from(log, s, m, first, end, since);
    out->from = from > out->from ? from : out->from;
}

unsigned laneplan_marks(const struct rule_plan *p, struct intakelog *log, evtime since,
                        struct job_mark *marks, struct laneplan_cover *out)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = 0, nstreams = plan_roots(p, streams);
    evtime w = EVTIME_MAX;
    *out = (struct laneplan_cover){.from = EVTIME_MIN, .looks_back_ms = laneplan_looks_back(p)};
    for (unsigned k = 0; k < nstreams; k++)
        for (unsigned i = 0; i < streams[k]->partitions; i++) {
            evtime at = intakelog_w(log, streams[k]->id, i);
            w = at < w ? at : w;
            marks[n] = (struct job_mark){i, 0, EVTIME_MIN, streams[k]->id};
            look(log, streams[k], since, &marks[n++], out);
        }
    evtime back;
    out->covers = out->from == EVTIME_MIN ||
                  (out->looks_back_ms >= 0 && w != EVTIME_MIN &&
                   !__builtin_sub_overflow(w, out->looks_back_ms, &back) && out->from <= back);
    return n;
}
