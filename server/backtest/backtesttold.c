/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtesttold.h"
#include "base/mem.h"
#include "server/alerts/alertbuild.h"
#include "server/alerts/cooldown.h"
#include "server/http/jsonw.h"
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

enum { FLUSH_BYTES = 256 << 10, ARENA_BYTES = 16 << 10 };

/* Labelled events of one key, for results that name a window and not its events. */
struct window_rows {
    struct bytes key;
    struct window_row {
        evtime ts;
        uint32_t index;
    } * rows;
    size_t n, cap;
    MAP_LINK;
};
struct backtesttold_windowkey {
    const struct rule_plan *plan; /* the first that has this key */
    struct window_rows *keys; /* map */
    struct bytes scratch;
    struct backtesttold_windowkey *next;
};

enum err backtesttold_new(const struct backtestplan *plan, struct registry *registry,
                          unsigned nsets, const char *file, struct diag *d,
                          struct backtesttold **out)
{
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        diag_say(d, "io", NULL, "%s cannot be written: %s", file, strerror(errno));
        return ERR_IO;
    }
    struct backtesttold *t = mem_new(sizeof *t);
    t->plan = plan;
    t->registry = registry;
    t->nsets = nsets;
    t->sets = mem_array(nsets, sizeof *t->sets);
    for (unsigned i = 0; i < nsets; i++)
        t->sets[i] = (struct backtesttold_set){.sum = -1, .knows_labels = true};
    t->cooldown = cooldown_new();
    t->arena = arena_new(ARENA_BYTES, 0);
    t->fd = fd;
    *out = t;
    return ERR_OK;
}

static void free_windows(struct backtesttold_windowkey *w)
{
    while (w != NULL) {
        struct backtesttold_windowkey *next = w->next;
        struct window_rows *k, *after;
        MAP_EACH(w->keys, k, after) {
            MAP_DEL(w->keys, k);
            bytes_fini(&k->key);
            mem_free(k->rows);
            mem_free(k);
        }
        bytes_fini(&w->scratch);
        mem_free(w);
        w = next;
    }
}

void backtesttold_free(struct backtesttold *t)
{
    if (t == NULL)
        return;
    struct backtesttold_alert *a, *a_next;
    struct backtesttold_key *k, *k_next;
    struct backtesttold_event *e, *e_next;
    for (unsigned i = 0; i < t->nsets; i++)
        MAP_EACH(t->sets[i].alerts, a, a_next) {
            MAP_DEL(t->sets[i].alerts, a);
            mem_free(a);
        }
    MAP_EACH(t->keys, k, k_next) {
        MAP_DEL(t->keys, k);
        mem_free(k->json);
        mem_free(k);
    }
    MAP_EACH(t->events, e, e_next) {
        MAP_DEL(t->events, e);
        mem_free(e);
    }
    backtestsegment_free(&t->segments);
    backtestdrift_fini(&t->drift);
    free_windows(t->windows);
    cooldown_free(t->cooldown);
    arena_free(t->arena);
    bytes_fini(&t->line);
    bytes_fini(&t->one);
    mem_free(t->hits);
    mem_free(t->sets);
    close(t->fd);
    mem_free(t);
}

bool backtesttold_is_said(const struct backtesttold *t)
{
    return t->plan->label_column == NULL &&
           t->said[BACKTESTTOLD_TRUE] + t->said[BACKTESTTOLD_FALSE] > 0;
}

enum backtesttold_label backtesttold_is_right(const struct backtesttold *t,
                                              const struct backtesttold_alert *a)
{
    if (backtesttold_is_said(t))
        return a->said;
    return a->nhits > 0 ? BACKTESTTOLD_TRUE : BACKTESTTOLD_FALSE;
}

/* --- which events results stand for --------------------------------------------------------------------------------- */

/* Its results name no events, only a key and a time. */
static bool tells_of_windows(const struct rule_plan *p)
{
    return p->shape == RULE_WINDOW && !p->window.each_row;
}

static struct backtesttold_windowkey *window_key(struct backtesttold *t, const struct rule_plan *p)
{
    struct backtesttold_windowkey *w = t->windows;
    while (w != NULL && (w->plan->input != p->input || !plan_key_same(&w->plan->key, &p->key)))
        w = w->next;
    if (w == NULL) {
        w = mem_new(sizeof *w);
        w->plan = p;
        w->next = t->windows;
        t->windows = w;
    }
    return w;
}

enum err backtesttold_of(struct backtesttold *t, unsigned i, const struct rule_plan *plan,
                         struct diag *d)
{
    struct backtesttold_set *s = &t->sets[i];
    s->plan = plan;
    /* Rows of another rule stand for more than one event, and computed keys are not computed again here. */
    s->knows_labels = t->plan->label_column != NULL && !plan_is_derived(plan);
    if (tells_of_windows(plan)) {
        s->knows_labels = s->knows_labels && plan->key.nvalues == 0;
        s->windows = s->knows_labels ? window_key(t, plan) : NULL;
    }
    if (t->plan->sum == NULL)
        return ERR_OK;
    for (unsigned o = 0; o < plan->noutputs; o++)
        if (strcasecmp(plan->outputs[o].name, t->plan->sum) == 0)
            s->sum = (int)o;
    if (s->sum >= 0)
        return ERR_OK;
    diag_say(d, "sum", "name a column of its SELECT", "the rule gives out no column '%.100s'",
             t->plan->sum);
    return ERR_NOT_FOUND;
}

static void note_in_window(struct backtesttold_windowkey *w, const struct batch *b, unsigned i,
                           uint32_t index)
{
    if (schema_rows(w->plan->input) != b->schema)
        return;
    bytes_reset(&w->scratch);
    for (unsigned c = 0; c < w->plan->key.n; c++) {
        struct value v = batch_value(b, w->plan->key.columns[c], i);
        value_key(&v, &w->scratch);
    }
    struct window_rows *k = MAP_GET(w->keys, w->scratch.p, w->scratch.n);
    if (k == NULL) {
        k = mem_new(sizeof *k);
        bytes_put(&k->key, w->scratch.p, w->scratch.n);
        MAP_PUT(w->keys, k, k->key.p, k->key.n);
    }
    k->rows = mem_grow(k->rows, k->n, 1, &k->cap, sizeof *k->rows);
    k->rows[k->n++] = (struct window_row){b->ts[i], index};
}

void backtesttold_label(struct backtesttold *t, const struct batch *b, unsigned i)
{
    if (t->nevents >= t->plan->max_labels) {
        t->broken = "more events are labelled than a backtest may keep: give a shorter time";
        return;
    }
    struct backtesttold_event *e = mem_new(sizeof *e);
    e->at = (struct place){b->schema->id, b->partition, b->offset[i]};
    e->index = t->nevents++;
    MAP_PUT(t->events, e, &e->at, sizeof e->at);
    for (struct backtesttold_windowkey *w = t->windows; w != NULL; w = w->next)
        note_in_window(w, b, i, e->index);
}

static void add_hit(struct backtesttold *t, struct backtesttold_alert *a, uint32_t index)
{
    t->hits = mem_grow(t->hits, t->nhits, 1, &t->hits_cap, sizeof *t->hits);
    t->hits[t->nhits++] = index;
    a->nhits++;
}

static void add_hit_at(struct backtesttold *t, struct backtesttold_alert *a, const struct place *at)
{
    const struct backtesttold_event *e = MAP_GET(t->events, at, sizeof *at);
    if (e != NULL)
        add_hit(t, a, e->index);
}

static void find_hits(struct backtesttold *t, const struct backtesttold_set *s,
                      const struct result *r, struct backtesttold_alert *a)
{
    a->hits_at = (uint32_t)t->nhits;
    a->nhits = 0;
    if (!s->knows_labels)
        return;
    if (s->windows == NULL) {
        for (unsigned i = 0; i < r->nrows; i++)
            add_hit_at(t, a, &r->rows[i].place);
        return;
    }
    const struct window_rows *k = MAP_GET(s->windows->keys, r->key, r->key_len);
    for (size_t i = 0; k != NULL && i < k->n; i++)
        if (k->rows[i].ts >= r->window_start && k->rows[i].ts < r->window_end)
            add_hit(t, a, k->rows[i].index);
}

/* --- alerts ----------------------------------------------------------------------------------------------------------- */

static void flush(struct backtesttold *t)
{
    const uint8_t *p = t->line.p;
    size_t left = t->line.n;
    while (left > 0 && t->broken == NULL) {
        ssize_t n = pwrite(t->fd, p, left, (off_t)t->written);
        if (n < 0 && errno != EINTR)
            t->broken = "the found alerts cannot be written: is there free space?";
        if (n > 0) {
            p += n;
            left -= (size_t)n;
            t->written += (uint64_t)n;
        }
    }
    bytes_reset(&t->line);
}

enum err backtesttold_line(struct backtesttold *t, const struct backtesttold_alert *a,
                           struct bytes *out)
{
    flush(t);
    bytes_reset(out);
    uint8_t *p = bytes_reserve(out, a->length);
    out->n = a->length;
    return pread(t->fd, p, a->length, (off_t)a->at) == (ssize_t)a->length ? ERR_OK : ERR_IO;
}

static struct backtesttold_key *key_of(struct backtesttold *t, const char *json)
{
    struct backtesttold_key *k = MAP_GET_STR(t->keys, json);
    if (k == NULL) {
        k = mem_new(sizeof *k);
        k->json = mem_str(json);
        MAP_PUT_STR(t->keys, k, k->json);
    }
    return k;
}

/* An object without its last brace: what is compared is said behind it, when it is known. */
static void write_line(struct backtesttold *t, struct backtesttold_alert *a,
                       const struct catalog_alert *from, bool knows_labels)
{
    struct bytes *one = &t->one;
    bytes_reset(one);
    jsonw_open(one, '{');
    jsonw_kstr(one, "id", from->id);
    jsonw_ktime(one, "time", from->time);
    jsonw_kstr(one, "severity", from->severity);
    jsonw_kstr(one, "title", from->title);
    jsonw_kraw(one, "key", from->key_json);
    jsonw_kraw(one, "row", from->row_json);
    jsonw_kraw(one, "vars", from->vars_json);
    jsonw_key(one, "label");
    if (knows_labels)
        jsonw_bool(one, a->nhits > 0);
    else
        jsonw_null(one);
    a->at = t->written + t->line.n;
    a->length = (uint32_t)one->n;
    a->key = key_of(t, from->key_json);
    if (t->plan->segments != NULL)
        a->segment = backtestsegment_of(&t->segments, t->plan->segments, from->row_json);
    a->time = from->time;
    memcpy(a->id, from->id, sizeof a->id);
    bytes_put(&t->line, one->p, one->n);
    if (t->line.n >= FLUSH_BYTES)
        flush(t);
}

static double number_of(const struct value *v)
{
    if (v->null)
        return 0;
    if (v->type.kind == TYPE_DOUBLE)
        return v->c.d;
    double n = (double)v->c.i;
    for (unsigned i = 0; v->type.kind == TYPE_DECIMAL && i < v->type.scale; i++)
        n /= 10;
    return v->type.kind == TYPE_BIGINT || v->type.kind == TYPE_DECIMAL ? n : 0;
}

static struct backtesttold_alert *add_alert(struct backtesttold *t, struct backtesttold_set *s,
                                            const uint8_t raw[RESULT_ID_BYTES])
{
    struct backtesttold_alert *a = mem_new(sizeof *a);
    memcpy(a->raw, raw, sizeof a->raw);
    MAP_PUT(s->alerts, a, a->raw, sizeof a->raw);
    if (++t->nalerts > t->plan->max_alerts)
        t->broken = "it found more alerts than a backtest may keep: give a shorter time, or "
                    "fewer values";
    return a;
}

static void drop_replaced(struct backtesttold_set *s, const struct result *r)
{
    for (unsigned i = 0; i < r->nreplaces; i++) {
        struct backtesttold_alert *a = MAP_GET(s->alerts, r->replaces[i], RESULT_ID_BYTES);
        if (a != NULL)
            a->gone = true;
    }
}

static void keep(struct backtesttold *t, struct backtesttold_set *s, const struct result *r)
{
    struct backtesttold_alert *a = MAP_GET(s->alerts, r->id, RESULT_ID_BYTES);
    if (a != NULL && r->revision <= a->revision)
        return;
    if (a == NULL && r->kind == RESULT_UPDATE && r->rule->cooldown_ms > 0)
        return; /* its first result was held back */
    if (a == NULL)
        a = add_alert(t, s, r->id);
    struct result live = *r;
    struct catalog_alert built;
    struct catalog_alert_event *events;
    live.rule_uid = t->plan->uid; /* 0: no live rule's; still the same for all variants */
    result_make_id(&live);
    arena_reset(t->arena);
    alertbuild_alert(&live, r->rule_version, t->registry, 0, t->arena, &built, &events);
    find_hits(t, s, r, a);
    a->revision = r->revision;
    a->gone = r->retracted;
    a->sum = s->sum >= 0 && (unsigned)s->sum < r->nvalues ? number_of(&r->values[s->sum]) : 0;
    write_line(t, a, &built, s->knows_labels);
}

void backtesttold_result(struct backtesttold *t, unsigned i, const struct result *r)
{
    struct backtesttold_set *s = &t->sets[i];
    char id[RESULT_ID_TEXT];
    uint32_t count = 0;
    s->kinds[r->kind]++;
    if (r->kind != RESULT_MATCH && r->kind != RESULT_UPDATE)
        return;
    if (r->kind == RESULT_MATCH && r->rule->cooldown_ms > 0 &&
        !cooldown_passes(t->cooldown, r, r->rule_version, 0, id, &count)) {
        s->held_back++;
        return;
    }
    drop_replaced(s, r);
    keep(t, s, r);
}

/* --- what live told ---------------------------------------------------------------------------------------------------- */

static void hits_of_vars(struct backtesttold *t, const char *vars, struct backtesttold_alert *a)
{
    const char *name;
    json_t *places, *v;
    size_t i;
    json_t *all = vars != NULL ? json_loads(vars, 0, NULL) : NULL;
    a->hits_at = (uint32_t)t->nhits;
    json_object_foreach(all, name, places)
    {
        json_array_foreach(places, i, v)
        {
            const char *stream = json_string_value(json_object_get(v, "stream"));
            const struct schema *s = stream != NULL ? registry_stream(t->registry, stream) : NULL;
            const struct place at = {s != NULL ? s->id : 0,
                                     (uint32_t)json_integer_value(json_object_get(v, "partition")),
                                     (uint64_t)json_integer_value(json_object_get(v, "offset"))};
            if (s != NULL)
                add_hit_at(t, a, &at);
        }
    }
    json_decref(all);
}

void backtesttold_stored(struct backtesttold *t, unsigned i, const struct catalog_alert *from)
{
    struct backtesttold_set *s = &t->sets[i];
    uint8_t raw[RESULT_ID_BYTES] = {0};
    memcpy(raw, &t->nalerts, sizeof t->nalerts); /* nothing asks for these by it */
    struct backtesttold_alert *a = add_alert(t, s, raw);
    s->kinds[RESULT_MATCH]++;
    if (from->label != NULL)
        a->said = strcmp(from->label, "fraud") == 0 ? BACKTESTTOLD_TRUE : BACKTESTTOLD_FALSE;
    t->said[a->said]++;
    /* Only patterns say in the catalogue which events they are of. */
    bool knows = t->plan->label_column != NULL && from->vars_json != NULL;
    s->knows_labels = s->knows_labels && knows;
    if (knows)
        hits_of_vars(t, from->vars_json, a);
    if (t->plan->sum != NULL && from->row_json != NULL) {
        json_t *row = json_loads(from->row_json, 0, NULL), *v;
        const char *name;
        json_object_foreach(row, name, v) if (strcasecmp(name, t->plan->sum) == 0) a->sum =
            json_number_value(v);
        json_decref(row);
    }
    write_line(t, a, from, knows);
}
