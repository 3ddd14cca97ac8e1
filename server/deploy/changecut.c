/* SPDX-License-Identifier: Apache-2.0
 *
 * The cut of a rule that reads rules is in event time alone: what they find has no offsets. It is a time after those of
 * all events so far, so that what was found before the rule was there is before it too, also when a replay finds it again. */
#include "server/deploy/changecut.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "io/source_file.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { SYNC_MS = 2000 };

static bool reads_files_that_end(const struct schema *s)
{
    return strcmp(s->connector, "file") == 0 && !source_file_follows(s);
}

/* A time after those of all events that have come so far: results of them are of before it. */
static evtime past_all(const struct schema *s, evtime w, evtime past)
{
    evtime t;
    if (w == EVTIME_MIN || w == EVTIME_MAX || __builtin_add_overflow(w, s->delay_ms + 1, &t))
        return past;
    return t > past ? t : past;
}

unsigned changecut_marks(const struct change_env *env, const struct rule_plan *plan,
                         bool from_start, struct job_mark *marks, evtime *w)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = 0, nstreams = plan_roots(plan, streams);
    bool whole_file = false;
    evtime past = EVTIME_MIN;
    *w = EVTIME_MAX;
    for (unsigned k = 0; k < nstreams; k++) {
        const struct schema *s = streams[k];
        bool whole = from_start && reads_files_that_end(s);
        change_marks(env, s, marks + n);
        for (unsigned i = 0; i < s->partitions; i++, n++) {
            if (whole)
                marks[n] = (struct job_mark){i, 0, EVTIME_MIN, s->id};
            *w = marks[n].w < *w ? marks[n].w : *w;
            whole_file = whole_file || whole;
            past = past_all(s, marks[n].w, past);
        }
    }
    if (plan_is_derived(plan))
        *w = whole_file ? EVTIME_MIN : past;
    return n;
}

evtime changecut_past(const struct rule_plan *plan, const struct job_mark *marks)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, streams);
    evtime past = EVTIME_MIN;
    for (unsigned k = 0; k < n; k++) {
        if (streams[k]->watermark == WATERMARK_PUNCTUATED)
            return EVTIME_MAX;
        for (unsigned i = 0; i < streams[k]->partitions; i++)
            past = past_all(streams[k], marks++->w, past);
    }
    return past;
}

bool changecut_goes_on(const struct rule_plan *old, const struct rule_plan *plan, evtime w)
{
    const struct schema *a[PLAN_ROOTS_MAX], *b[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(old, a);
    bool same = n == plan_roots(plan, b) && w != EVTIME_MAX;
    for (unsigned i = 0; same && i < n; i++)
        same = a[i] == b[i];
    return same;
}

struct catalog_cut changecut_stored(const struct job_cut *c, struct catalog_mark *marks)
{
    for (unsigned i = 0; i < c->nmarks; i++)
        marks[i] = (struct catalog_mark){c->marks[i].stream, c->marks[i].partition,
                                         c->marks[i].offset, c->marks[i].w};
    return (struct catalog_cut){.deployed = c->deployed,
                                .handover = (int)c->handover,
                                .from = c->from,
                                .mode = (int)c->mode,
                                .w = c->w,
                                .at = timebase_now_ms(),
                                .nmarks = c->nmarks,
                                .marks = marks};
}

void changecut_put(struct change_delta *delta, uint64_t uid)
{
    delta->put = mem_grow(delta->put, delta->nput, 1, &delta->put_cap, sizeof *delta->put);
    delta->put[delta->nput++] = uid;
}

void changecut_removed(struct change_delta *delta, uint64_t uid)
{
    delta->removed =
        mem_grow(delta->removed, delta->nremoved, 1, &delta->removed_cap, sizeof *delta->removed);
    delta->removed[delta->nremoved++] = uid;
}

static void note_opened(struct change_delta *delta, uint32_t stream)
{
    delta->opened =
        mem_grow(delta->opened, delta->nopened, 1, &delta->opened_cap, sizeof *delta->opened);
    delta->opened[delta->nopened++] = stream;
}

static bool is_read(const struct change_env *env, const struct schema *s)
{
    for (unsigned i = 0; registry_rule_at(env->registry, i) != NULL; i++)
        for (const struct registry_rule *v = registry_rule_at(env->registry, i); v != NULL;
             v = v->before)
            if (plan_reads_stream(v->plan, s))
                return true;
    return false;
}

/* Out of the registry, and its streams out of the feed if no other rule reads them. */
void changecut_take_away(const struct change_env *env, const struct registry_rule *rule,
                         struct change_delta *delta)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(rule->plan, streams);
    changecut_removed(delta, rule->uid);
    alertwriter_sync(env->alerts, SYNC_MS);
    registry_remove_rule(env->registry, rule->uid);
    for (unsigned i = 0; i < n; i++)
        if (!is_read(env, streams[i]))
            feed_close(env->feed, streams[i]->id);
}

void changecut_open(const struct change_env *env, const struct rule_plan *plan,
                    const struct job_mark *marks, struct change_delta *delta)
{
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(plan, streams);
    for (unsigned i = 0; i < n; i++) {
        if (feed_open(env->feed, streams[i], marks))
            note_opened(delta, streams[i]->id);
        else if (reads_files_that_end(streams[i]) ||
                 (plan_is_derived(plan) && streams[i]->watermark == WATERMARK_PUNCTUATED))
            delta->again =
                true; /* of the latter nobody knows how far ahead of it events have been */
        marks += streams[i]->partitions;
    }
}

/* --- rules that read it ------------------------------------------------------------------------------------------ */

/* Is s made of what that rule finds, or of its side outputs? direct: by itself, not through other rules. */
static bool comes_from(const struct schema *s, uint64_t uid, bool direct)
{
    if (s == NULL || s->derived == DERIVED_NOT)
        return false;
    if (s->derived != DERIVED_STREAM_LATE && s->derived != DERIVED_LOOKUP &&
        derived_uid(s->id) == uid)
        return true;
    return !direct && (comes_from(s->from, uid, false) || comes_from(s->with, uid, false));
}

static bool reads(const struct rule_plan *p, uint64_t uid, bool direct)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    bool yes = false;
    for (unsigned i = 0, n = plan_streams(p, streams); i < n; i++)
        yes = yes || comes_from(streams[i], uid, direct);
    return yes;
}

void changecut_name_rule(void *names, const struct registry_rule *rule)
{
    enum { SHOWN = 200 };
    struct bytes *b = names;
    if (b->n < SHOWN)
        bytes_printf(b, "%s%s", b->n > 0 ? ", " : "", rule->name);
}

unsigned changecut_readers_of(const struct change_env *env, uint64_t uid, struct bytes *names)
{
    unsigned n = 0;
    const struct registry_rule *r;
    for (unsigned i = 0; (r = registry_rule_at(env->registry, i)) != NULL; i++) {
        if (!reads(r->plan, uid, true))
            continue;
        n++;
        changecut_name_rule(names, r);
    }
    return n;
}

enum err changecut_may_go(const struct change_env *env, const struct registry_rule *rule,
                          struct diag *d)
{
    struct bytes names = {0};
    unsigned n = changecut_readers_of(env, rule->uid, &names);
    if (n > 0)
        diag_say(d, "conflict", "delete these rules first", "rule %s is read by %u rule%s: %.*s",
                 rule->name, n, n == 1 ? "" : "s", (int)names.n, (const char *)names.p);
    bytes_fini(&names);
    return n > 0 ? ERR_CONFLICT : ERR_OK;
}

static bool same_columns(const struct rule_plan *a, const struct rule_plan *b)
{
    enum { FIRST = 4096 };
    struct arena *scratch = arena_new(FIRST, 0);
    uint32_t id = derived_id(DERIVED_RESULTS, 0);
    const struct schema *x = derived_schema(a, DERIVED_RESULTS, id, scratch);
    const struct schema *y = derived_schema(b, DERIVED_RESULTS, id, scratch);
    bool same = x != NULL && y != NULL && x->ncolumns == y->ncolumns &&
                x->time_column == y->time_column && a->input == b->input;
    for (unsigned i = 0; same && i < x->ncolumns; i++)
        same = strcasecmp(x->columns[i].name, y->columns[i].name) == 0 &&
               schema_type_same(x->columns[i].type, y->columns[i].type);
    arena_free(scratch);
    return same;
}

enum err changecut_may_come(const struct change_env *env, const struct rule_plan *plan,
                            const struct registry_rule *old, uint64_t uid, struct diag *d)
{
    if (plan_is_derived(plan) && plan->nlists > 0) {
        diag_say(d, "unsupported", "look into the list in the rule that reads the stream",
                 "rule %s reads a rule and a list: a server cannot say yet which edit a result "
                 "came after",
                 plan->name);
        return ERR_UNSUPPORTED;
    }
    const struct registry_rule *r;
    for (unsigned i = 0; uid != 0 && (r = registry_rule_at(env->registry, i)) != NULL; i++)
        if (r->uid > uid && reads(plan, r->uid, true)) {
            diag_say(d, "conflict", "delete it and create it again",
                     "rule %s is older than rule %s, and cannot come to read it", plan->name,
                     r->name);
            return ERR_CONFLICT;
        }
    if (old == NULL || same_columns(old->plan, plan))
        return ERR_OK;
    struct bytes names = {0};
    unsigned n = changecut_readers_of(env, old->uid, &names);
    if (n > 0)
        diag_say(d, "conflict", "delete these rules first",
                 "rule %s is read by %.*s, and would read another stream or give other columns",
                 plan->name, (int)names.n, (const char *)names.p);
    bytes_fini(&names);
    return n > 0 ? ERR_CONFLICT : ERR_OK;
}

static void stop_reader(const struct change_env *env, const struct registry_rule *r,
                        const struct job_cut *from, struct change_delta *delta,
                        struct changecut_readers *out)
{
    out->v = mem_grow(out->v, out->n, 1, &out->cap, sizeof *out->v);
    out->v[out->n++] = (struct changecut_reader){.uid = r->uid,
                                                 .stands_for = r->stands_for,
                                                 .version = r->version,
                                                 .name = mem_str(r->name),
                                                 .sql = mem_str(r->sql),
                                                 .from = registry_cut_copy(from)};
    changecut_take_away(env, r, delta);
}

enum err changecut_stop_readers(const struct change_env *env, const struct registry_rule *rule,
                                struct diag *d, struct change_delta *delta,
                                struct changecut_readers *out)
{
    enum err e = ERR_OK;
    const struct registry_rule *r;
    uint64_t uid = rule->uid;
    for (unsigned i = 0; (r = registry_rule_at(env->registry, i)) != NULL;) {
        if (r->uid != uid && reads(r->plan, uid, false)) {
            struct job_mark marks[CHANGECUT_MARKS_MAX];
            struct catalog_mark stored[2][CHANGECUT_MARKS_MAX];
            struct job_cut cut = {.mode = r->mode, .marks = marks};
            cut.nmarks = changecut_marks(env, r->plan, true, marks, &cut.w);
            struct catalog_cut cuts[2] = {changecut_stored(&cut, stored[0])};
            cut.deployed = true;
            cuts[1] = changecut_stored(&cut, stored[1]);
            evtime now = timebase_now_ms();
            struct catalog_rule again = {.uid = r->uid,
                                         .name = r->name,
                                         .sql = r->sql,
                                         .version = r->version,
                                         .mode = (int)r->mode,
                                         .created = now,
                                         .updated = now,
                                         .ncuts = 2,
                                         .cuts = cuts};
            enum err stored_err = catalog_rules_add(env->catalog, &again);
            if (stored_err != ERR_OK)
                diag_say(d, "catalogue", NULL, "rule %s cannot be stored: %s", r->name,
                         err_text(stored_err));
            e = e != ERR_OK ? e : stored_err;
            stop_reader(env, r, &cut, delta, out);
            continue; /* the next one is in its place */
        }
        i++;
    }
    return e;
}

static enum err start_reader(const struct change_env *env, const struct changecut_reader *r,
                             struct diag *d, struct change_delta *delta)
{
    struct control_rule put = {.uid = r->uid,
                               .version = r->version,
                               .name = r->name,
                               .sql = r->sql,
                               .ncuts = 1,
                               .cuts = &r->from,
                               .stands_for = r->stands_for};
    enum err e = registry_put_rule(env->registry, &put, NULL, d);
    if (e != ERR_OK)
        return e;
    changecut_put(delta, r->uid);
    changecut_open(env, registry_rule(env->registry, r->uid)->plan, r->from.marks, delta);
    return ERR_OK;
}

enum err changecut_start_readers(const struct change_env *env, struct changecut_readers *readers,
                                 struct diag *d, struct change_delta *delta)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < readers->n; i++) {
        enum err one = start_reader(env, &readers->v[i], d, delta);
        e = e != ERR_OK ? e : one;
        mem_free(readers->v[i].name);
        mem_free(readers->v[i].sql);
        registry_cut_fini(&readers->v[i].from);
    }
    mem_free(readers->v);
    *readers = (struct changecut_readers){0};
    return e;
}
