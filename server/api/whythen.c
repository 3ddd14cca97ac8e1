/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/whythen.h"
#include "base/mem.h"
#include "server/deploy/trials.h"
#include "server/http/jsonw.h"
#include "state/catalog_dead.h"
#include <inttypes.h>
#include <string.h>

/* --- the version of then --- */

struct finding {
    evtime t;
    uint64_t uid;
    bool rests;
    struct whythen *out;
    struct whynot_then *then;
    bool found;
};

static void copy_cut(const struct catalog_cut *c, struct job_cut *out)
{
    struct job_mark *marks = mem_array(c->nmarks, sizeof *marks);
    for (unsigned m = 0; m < c->nmarks; m++)
        marks[m] = (struct job_mark){c->marks[m].partition, c->marks[m].offset, c->marks[m].w,
                                     c->marks[m].stream};
    *out = (struct job_cut){.deployed = c->deployed != 0,
                            .mode = (enum rule_mode)c->mode,
                            .w = c->w,
                            .nmarks = c->nmarks,
                            .marks = marks,
                            .handover = (enum job_handover)c->handover,
                            .from = c->from};
}

static void copy_cuts(const struct catalog_rule *r, unsigned from, unsigned to, struct whythen *w)
{
    w->then = mem_new(sizeof *w->then);
    w->then->version = w->version;
    w->then->until = w->until;
    w->then->cuts = mem_array(to - from + 1, sizeof *w->then->cuts);
    for (unsigned i = from; i <= to; i++)
        copy_cut(&r->cuts[i], &w->then->cuts[w->then->ncuts++]);
}

/* Cuts [from, to] are those of one version, or of one time that it was deployed. Of the first one all is asked that came before. */
static void note_cuts(void *ctx, const struct catalog_rule *r)
{
    struct finding *f = ctx;
    struct whythen *w = f->out;
    unsigned from = 0, begin = 0, end = 0;
    for (unsigned to = 0; to < r->ncuts; to++) {
        if (r->cuts[to].deployed && to + 1 < r->ncuts)
            continue;
        if (from == 0 || r->cuts[from].w <= f->t) {
            begin = from;
            end = to;
        }
        from = to + 1;
    }
    if (r->ncuts == 0)
        return;
    const struct catalog_cut *first = &r->cuts[begin], *last = &r->cuts[end];
    bool over = !last->deployed;
    w->version = first->version > 0 ? first->version : r->version;
    w->from = first->w;
    w->until = over ? last->w : EVTIME_MAX;
    w->present = !over && end + 1 == r->ncuts;
    w->deployed = f->t < w->until || !over;
    if (over && end + 1 < r->ncuts) {
        w->next = r->cuts[end + 1].version;
        w->kept = last->handover == JOB_HANDOVER_KEEP;
    }
    if (!w->present && w->deployed)
        copy_cuts(r, begin, end, w);
}

/* t is a time of events: it is finite. */
static void say_time(evtime t, struct bytes *out)
{
    struct bytes quoted = {0};
    jsonw_time(&quoted, t);
    bytes_put(out, quoted.p + 1, quoted.n - 2);
    bytes_fini(&quoted);
}

static char *say(const struct api_rule *rule, const struct whythen *w)
{
    struct bytes b = {0};
    if (w->present)
        return NULL;
    if (w->version == 0) {
        bytes_printf(&b, "rule %s was never deployed", rule->name);
    } else if (!w->deployed) {
        bytes_printf(&b, "rule %s was not deployed then: version %u ended at ", rule->name,
                     w->version);
        say_time(w->until, &b);
        if (w->next == 0 && rule->rests == RESTS_ARCHIVED)
            bytes_printf(&b, ", it is in the archive");
    } else {
        bytes_printf(&b, "this is what version %u says, which was active then, until ", w->version);
        say_time(w->until, &b);
        if (w->next != 0)
            bytes_printf(&b,
                         w->kept ? "; version %u took over with its state"
                                 : "; version %u began then, with no state of it",
                         w->next);
    }
    bytes_u8(&b, 0);
    return (char *)b.p;
}

enum err whythen_find(struct api *a, const struct api_rule *rule, evtime t, struct diag *d,
                      struct whythen *out)
{
    struct finding f = {.t = t, .uid = rule->uid, .out = out};
    *out = (struct whythen){.at = t, .until = EVTIME_MAX, .from = EVTIME_MIN};
    enum err e = catalog_rules_get(a->reader, rule->uid, note_cuts, &f);
    if (e == ERR_OK && out->then != NULL) {
        out->plan = api_versions_plan(a, rule, out->version, d);
        e = out->plan != NULL ? ERR_OK : ERR_INVALID;
    }
    /* The items are changed by the runtime's thread, while another goes through the rows. */
    if (out->plan != NULL && out->plan->nlists > 0) {
        diag_say(
            d, "version", NULL,
            "version %u of rule %s, which was active then, asks lists, and only a version that "
            "runs can be asked what was in them",
            out->version, rule->name);
        e = ERR_UNSUPPORTED;
    }
    if (e == ERR_OK)
        out->text = say(rule, out);
    else
        whythen_fini(out);
    return e;
}

void whythen_fini(struct whythen *w)
{
    plan_unref(w->plan);
    whynot_then_free(w->then);
    mem_free(w->text);
    *w = (struct whythen){.present = true, .at = EVTIME_MAX};
}

/* --- what else --- */

struct telling {
    const struct whythen_told *m;
    struct bytes *out;
    struct bytes notes; /* JSON strings */
    bool wrote;
};

static void add_note(struct telling *t, const char *text)
{
    jsonw_str(&t->notes, text);
}

static void put_then(struct telling *t)
{
    const struct whythen *w = t->m->then;
    if (w->present || w->version == 0) {
        jsonw_kraw(t->out, "then", NULL);
    } else {
        jsonw_key(t->out, "then");
        jsonw_open(t->out, '{');
        jsonw_ku64(t->out, "version", w->version);
        jsonw_kbool(t->out, "deployed", w->deployed);
        jsonw_ktime(t->out, "from", w->from);
        jsonw_ktime(t->out, "until", w->until);
        if (w->next != 0) {
            jsonw_ku64(t->out, "next", w->next);
            jsonw_kbool(t->out, "state_kept", w->kept);
        }
        jsonw_close(t->out, '}');
    }
    if (w->text != NULL)
        add_note(t, w->text);
}

static unsigned point_of(const struct whythen_told *m)
{
    const struct result_row row = {.place = {m->stream, m->partition, m->offset}};
    const struct result r = {.key = m->key,
                             .key_len = (uint32_t)m->key_n,
                             .nrows = m->has_event,
                             .rows = &row};
    return trials_point(m->uid, &r);
}

/* Of several the one that ran then; they do not overlap. */
static void put_trial(void *ctx, const struct catalog_trial *of)
{
    struct telling *t = ctx;
    const struct whythen_told *m = t->m;
    evtime at = m->then->at < EVTIME_MAX ? m->then->at : EVTIME_MAX - 1;
    unsigned percent = 0;
    if (t->wrote || at < of->began || at >= of->ended)
        return;
    for (unsigned i = 0; i < of->nshares && of->shares[i].w <= at; i++)
        percent = of->shares[i].percent;
    bool known = m->key_n > 0 || m->has_event || percent == 0;
    bool new_tells = known && point_of(m) < percent * 100;
    jsonw_key(t->out, "trial");
    jsonw_open(t->out, '{');
    jsonw_ku64(t->out, "version", of->version);
    jsonw_ku64(t->out, "percent", percent);
    jsonw_key(t->out, "tells");
    if (known)
        jsonw_u64(t->out, new_tells ? of->version : of->old);
    else
        jsonw_null(t->out);
    jsonw_close(t->out, '}');
    t->wrote = true;
    char *text = percent == 0
                     ? mem_printf("version %u ran beside it as a shadow; version %u told what was "
                                  "found",
                                  of->version, of->old)
                     : mem_printf("version %u ran beside it for %u %% of the keys; of this one "
                                  "version %u told what was found",
                                  of->version, percent, new_tells ? of->version : of->old);
    if (known)
        add_note(t, text);
    mem_free(text);
}

static void put_letter(void *ctx, const struct catalog_dead_letter *d)
{
    static const char *const states[] = {"waiting", "waiting", "sent", "deleted"};
    struct telling *t = ctx;
    if (t->wrote)
        return;
    t->wrote = true;
    jsonw_key(t->out, "dead_letter");
    jsonw_open(t->out, '{');
    jsonw_ku64(t->out, "id", d->id);
    jsonw_kstr(t->out, "kind", d->kind);
    jsonw_kstr(t->out, "code", d->code);
    jsonw_kstr(t->out, "reason", d->reason);
    jsonw_kstr(t->out, "state", states[d->state]);
    jsonw_kraw(t->out, "rules", d->rules_json);
    jsonw_close(t->out, '}');
    char *text =
        mem_printf("the event is dead letter %" PRIu64 ": %s", d->id,
                   d->reason != NULL && *d->reason != '\0'           ? d->reason
                   : d->kind != NULL && strcmp(d->kind, "late") == 0 ? "it came too late"
                                                                     : "a rule failed on it");
    add_note(t, text);
    mem_free(text);
}

void whythen_put(struct api *a, const struct whythen_told *m, struct bytes *out)
{
    struct telling t = {.m = m, .out = out};
    put_then(&t);
    if (catalog_trials(a->reader, m->uid, put_trial, &t) != ERR_OK || !t.wrote)
        jsonw_kraw(out, "trial", NULL);
    t.wrote = false;
    if (!m->has_event ||
        catalog_deadlook_at(a->reader, m->stream, m->partition, m->offset, put_letter, &t) !=
            ERR_OK ||
        !t.wrote)
        jsonw_kraw(out, "dead_letter", NULL);
    jsonw_key(out, "notes");
    jsonw_open(out, '[');
    bytes_put(out, t.notes.p, t.notes.n);
    jsonw_close(out, ']');
    bytes_fini(&t.notes);
}
