/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checkpoint/checkmeta.h"
#include "base/bug.h"
#include "base/durable.h"
#include "base/mem.h"
#include "server/alerts/sinks.h"
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct checkmeta *checkmeta_new(void)
{
    return mem_new(sizeof(struct checkmeta));
}

static void forget_sinks(struct checkmeta *m)
{
    for (size_t i = 0; i < m->nsinks; i++) {
        mem_free(m->sinks[i].name);
        mem_free(m->sinks[i].pending);
    }
    m->nsinks = 0;
}

void checkmeta_free(struct checkmeta *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->nrules; i++) {
        mem_free(m->rules[i].name);
        mem_free(m->rules[i].sql);
        mem_free(m->rules[i].marks);
    }
    for (size_t i = 0; i < m->npositions; i++)
        mem_free(m->positions[i].stream);
    forget_sinks(m);
    mem_free(m->sinks);
    mem_free(m->rules);
    mem_free(m->positions);
    mem_free(m);
}

static struct checkmeta_rule *add_rule(struct checkmeta *m)
{
    m->rules = mem_grow(m->rules, m->nrules, 1, &m->rules_cap, sizeof *m->rules);
    m->rules[m->nrules] = (struct checkmeta_rule){0};
    return &m->rules[m->nrules++];
}

static void add_version(struct checkmeta *m, const struct registry_rule *of)
{
    struct checkmeta_rule *k = add_rule(m);
    *k = (struct checkmeta_rule){.uid = of->uid,
                                 .lists_seq = of->lists_seq,
                                 .version = of->version,
                                 .name = mem_str(of->name),
                                 .sql = mem_str(of->sql)};
    if (of->ncuts == 0)
        return;
    k->since_w = of->cuts[0].w;
    k->nmarks = of->cuts[0].nmarks;
    k->marks = mem_array(k->nmarks, sizeof *k->marks);
    if (k->nmarks > 0)
        memcpy(k->marks, of->cuts[0].marks, k->nmarks * sizeof *k->marks);
}

void checkmeta_add_rules(struct checkmeta *m, struct registry *r)
{
    const struct registry_rule *of;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++)
        for (const struct registry_rule *v = of; v != NULL && v->version >= of->retired;
             v = v->before)
            add_version(m, v);
}

void checkmeta_add_position(struct checkmeta *m, const char *stream,
                            const struct control_position *at)
{
    m->positions =
        mem_grow(m->positions, m->npositions, 1, &m->positions_cap, sizeof *m->positions);
    m->positions[m->npositions++] = (struct checkmeta_position){mem_str(stream), *at};
}

static void add_sink(struct checkmeta *m, char *name, char *pending)
{
    m->sinks = mem_grow(m->sinks, m->nsinks, 1, &m->sinks_cap, sizeof *m->sinks);
    m->sinks[m->nsinks++] = (struct checkmeta_sink){name, pending};
}

void checkmeta_set_sinks(struct checkmeta *m, const struct bytes *blob)
{
    struct bytes_reader in = bytes_read(blob->p, blob->n);
    const char *name = NULL, *text = NULL;
    size_t name_n = 0, n = 0;
    forget_sinks(m);
    while (sinks_pending_get(&in, &name, &name_n, &text, &n))
        add_sink(m, mem_dup(name, name_n), mem_dup(text, n));
}

void checkmeta_sinks(const struct checkmeta *m, struct bytes *blob)
{
    for (size_t i = 0; m != NULL && i < m->nsinks; i++)
        sinks_pending_put(blob, m->sinks[i].name, m->sinks[i].pending, strlen(m->sinks[i].pending));
}

enum err checkmeta_write_cooldown(struct checkmeta *m, const char *folder, const struct bytes *b)
{
    char *path = mem_printf("%s/cooldown", folder);
    m->cooldown_bytes = b->n;
    m->cooldown_sum = XXH3_64bits(b->p, b->n);
    enum err e = durable_file(path, b->p == NULL ? (const uint8_t *)"" : b->p, b->n);
    mem_free(path);
    return e;
}

/* --- as text ------------------------------------------------------------------------------------------------------- */

static void put_rule(const struct checkmeta_rule *k, struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "uid", k->uid);
    jsonw_ku64(out, "version", k->version);
    jsonw_kstr(out, "name", k->name);
    jsonw_kstr(out, "sql", k->sql);
    jsonw_ku64(out, "lists_seq", k->lists_seq);
    jsonw_ki64(out, "since_watermark", k->since_w);
    jsonw_key(out, "since");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < k->nmarks; i++) {
        jsonw_open(out, '{');
        jsonw_ku64(out, "stream", k->marks[i].stream);
        jsonw_ku64(out, "partition", k->marks[i].partition);
        jsonw_ku64(out, "offset", k->marks[i].offset);
        jsonw_ki64(out, "watermark", k->marks[i].w);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_close(out, '}');
}

static void put_position(const struct checkmeta_position *p, struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_kstr(out, "name", p->stream);
    jsonw_ku64(out, "stream", p->at.stream);
    jsonw_ku64(out, "partition", p->at.partition);
    jsonw_ku64(out, "offset", p->at.offset);
    jsonw_ki64(out, "watermark", p->at.w);
    jsonw_ku64(out, "rows", p->at.rows);
    jsonw_ku64(out, "late", p->at.late);
    jsonw_close(out, '}');
}

static void put_worker(const struct checkmeta_worker *w, struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "files", w->done.files);
    jsonw_ku64(out, "entries", w->done.entries);
    jsonw_ku64(out, "bytes", w->done.bytes);
    jsonw_ku64(out, "new_bytes", w->done.new_bytes);
    jsonw_ku64(out, "flow_bytes", w->done.flow_bytes);
    jsonw_ku64(out, "flow_records", w->done.records);
    jsonw_ku64(out, "alignment_ns", w->alignment_ns);
    jsonw_ku64(out, "sync_ns", w->sync_ns);
    jsonw_ku64(out, "async_ns", w->done.async_ns);
    jsonw_kbool(out, "unaligned", w->unaligned);
    jsonw_close(out, '}');
}

void checkmeta_put(const struct checkmeta *m, struct bytes *out)
{
    jsonw_open(out, '{');
    jsonw_ku64(out, "format", CHECKMETA_FORMAT);
    jsonw_ku64(out, "id", m->id);
    jsonw_kstr(out, "trigger", m->trigger);
    jsonw_ktime(out, "time", m->started);
    jsonw_ki64(out, "started_ms", m->started);
    jsonw_ki64(out, "duration_ms", m->duration_ms);
    jsonw_ku64(out, "key_groups", m->key_groups);
    jsonw_key(out, "workers");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < m->workers; i++)
        put_worker(&m->worker[i], out);
    jsonw_close(out, ']');
    jsonw_key(out, "rules");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->nrules; i++)
        put_rule(&m->rules[i], out);
    jsonw_close(out, ']');
    jsonw_key(out, "positions");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->npositions; i++)
        put_position(&m->positions[i], out);
    jsonw_close(out, ']');
    jsonw_key(out, "sinks");
    jsonw_open(out, '[');
    for (size_t i = 0; i < m->nsinks; i++) {
        jsonw_open(out, '{');
        jsonw_kstr(out, "name", m->sinks[i].name);
        jsonw_kstr(out, "pending", m->sinks[i].pending);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
    jsonw_ku64(out, "cooldown_bytes", m->cooldown_bytes);
    char sum[32];
    snprintf(sum, sizeof sum, "%016" PRIx64, m->cooldown_sum);
    jsonw_kstr(out, "cooldown_xxh3", sum);
    jsonw_close(out, '}');
    bytes_u8(out, '\n');
}

/* --- from text ----------------------------------------------------------------------------------------------------- */

struct reading {
    bool bad;
};

static int64_t get_i64(struct reading *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v))
        r->bad = true;
    return json_is_integer(v) ? json_integer_value(v) : 0;
}

static uint64_t get_u64(struct reading *r, const json_t *o, const char *key)
{
    int64_t v = get_i64(r, o, key);
    if (v < 0)
        r->bad = true;
    return v < 0 ? 0 : (uint64_t)v;
}

static uint32_t get_u32(struct reading *r, const json_t *o, const char *key)
{
    uint64_t v = get_u64(r, o, key);
    if (v > UINT32_MAX)
        r->bad = true;
    return (uint32_t)v;
}

static const char *get_str(struct reading *r, const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    if (s == NULL)
        r->bad = true;
    return s == NULL ? "" : s;
}

static const json_t *get_array(struct reading *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_array(v))
        r->bad = true;
    return v; /* of what is no array, jansson says that it has no elements */
}

static void get_rule(struct reading *r, const json_t *o, struct checkmeta *m)
{
    struct checkmeta_rule *k = add_rule(m);
    k->uid = get_u64(r, o, "uid");
    k->version = get_u32(r, o, "version");
    k->name = mem_str(get_str(r, o, "name"));
    k->sql = mem_str(get_str(r, o, "sql"));
    k->lists_seq = get_u64(r, o, "lists_seq");
    k->since_w = get_i64(r, o, "since_watermark");
    const json_t *since = get_array(r, o, "since");
    k->nmarks = (unsigned)json_array_size(since);
    k->marks = mem_array(k->nmarks, sizeof *k->marks);
    for (unsigned i = 0; i < k->nmarks; i++) {
        const json_t *of = json_array_get(since, i);
        k->marks[i].stream = get_u32(r, of, "stream");
        k->marks[i].partition = get_u32(r, of, "partition");
        k->marks[i].offset = get_u64(r, of, "offset");
        k->marks[i].w = get_i64(r, of, "watermark");
    }
}

static void get_position(struct reading *r, const json_t *o, struct checkmeta *m)
{
    struct control_position at = {.stream = get_u32(r, o, "stream"),
                                  .partition = get_u32(r, o, "partition"),
                                  .offset = get_u64(r, o, "offset"),
                                  .w = get_i64(r, o, "watermark"),
                                  .rows = get_u64(r, o, "rows"),
                                  .late = get_u64(r, o, "late")};
    checkmeta_add_position(m, get_str(r, o, "name"), &at);
}

static void get_worker(struct reading *r, const json_t *o, struct checkmeta_worker *w)
{
    w->done.ok = true;
    w->done.files = get_u32(r, o, "files");
    w->done.entries = get_u64(r, o, "entries");
    w->done.bytes = get_u64(r, o, "bytes");
    w->done.new_bytes = get_u64(r, o, "new_bytes");
    w->done.flow_bytes = get_u64(r, o, "flow_bytes");
    w->done.records = get_u64(r, o, "flow_records");
    w->alignment_ns = get_u64(r, o, "alignment_ns");
    w->sync_ns = get_u64(r, o, "sync_ns");
    w->done.async_ns = get_u64(r, o, "async_ns");
    w->unaligned = json_is_true(json_object_get(o, "unaligned"));
}

static void get_all(struct reading *r, const json_t *o, struct checkmeta *m)
{
    m->id = get_u64(r, o, "id");
    snprintf(m->trigger, sizeof m->trigger, "%s", get_str(r, o, "trigger"));
    m->started = get_i64(r, o, "started_ms");
    m->duration_ms = get_i64(r, o, "duration_ms");
    m->key_groups = get_u32(r, o, "key_groups");
    const json_t *workers = get_array(r, o, "workers");
    size_t n = json_array_size(workers);
    r->bad = r->bad || n == 0 || n > TASK_WORKERS_MAX;
    for (size_t i = 0; i < n && !r->bad; i++)
        get_worker(r, json_array_get(workers, i), &m->worker[m->workers++]);
    const json_t *rules = get_array(r, o, "rules");
    for (size_t i = 0; i < json_array_size(rules) && !r->bad; i++)
        get_rule(r, json_array_get(rules, i), m);
    const json_t *positions = get_array(r, o, "positions");
    for (size_t i = 0; i < json_array_size(positions) && !r->bad; i++)
        get_position(r, json_array_get(positions, i), m);
    const json_t *sinks = json_object_get(o, "sinks"); /* earlier releases had none */
    for (size_t i = 0; i < json_array_size(sinks) && !r->bad; i++) {
        const json_t *of = json_array_get(sinks, i);
        add_sink(m, mem_str(get_str(r, of, "name")), mem_str(get_str(r, of, "pending")));
    }
    m->cooldown_bytes = get_u64(r, o, "cooldown_bytes");
    if (sscanf(get_str(r, o, "cooldown_xxh3"), "%16" SCNx64, &m->cooldown_sum) != 1)
        r->bad = true;
}

enum err checkmeta_get(const char *text, size_t n, struct diag *d, struct checkmeta **out)
{
    struct reading r = {0};
    json_error_t at;
    json_t *o = json_loadb(text, n, 0, &at);
    if (!json_is_object(o)) {
        diag_say(d, "damaged", NULL, "the metadata are no JSON object: %s", at.text);
        json_decref(o);
        return ERR_CORRUPT;
    }
    struct checkmeta *m = checkmeta_new();
    uint64_t format = get_u64(&r, o, "format");
    enum err e = ERR_OK;
    if (!r.bad && format != CHECKMETA_FORMAT) {
        diag_say(d, "version", "start the release that wrote it",
                 "the metadata have format %" PRIu64, format);
        e = ERR_VERSION;
    } else {
        get_all(&r, o, m);
        if (r.bad) {
            diag_say(d, "damaged", NULL, "the metadata lack something");
            e = ERR_CORRUPT;
        }
    }
    json_decref(o);
    if (e == ERR_OK)
        *out = m;
    else
        checkmeta_free(m);
    return e;
}

struct checkmeta *checkmeta_copy(const struct checkmeta *m)
{
    struct bytes text = {0};
    struct diag d;
    struct checkmeta *copy = NULL;
    diag_init(&d, NULL, 0);
    checkmeta_put(m, &text);
    enum err e = checkmeta_get((const char *)text.p, text.n, &d, &copy);
    BUG_IF(e != ERR_OK, "what was just written cannot be read: %s", d.items[0].message);
    diag_fini(&d);
    bytes_fini(&text);
    return copy;
}

/* --- does it fit? -------------------------------------------------------------------------------------------------- */

static bool same_marks(const struct checkmeta_rule *k, const struct job_cut *c)
{
    if (k->nmarks != c->nmarks || k->since_w != c->w)
        return false;
    for (unsigned i = 0; i < k->nmarks; i++) {
        const struct job_mark *a = &k->marks[i], *b = &c->marks[i];
        if (a->stream != b->stream || a->partition != b->partition || a->offset != b->offset ||
            a->w != b->w)
            return false;
    }
    return true;
}

/* The same text from the same beginning has the same state. */
static bool has_rule(const struct checkmeta *m, const struct registry_rule *r)
{
    for (size_t i = 0; i < m->nrules; i++) {
        const struct checkmeta_rule *k = &m->rules[i];
        if (k->uid == r->uid && k->version == r->version)
            return strcmp(k->sql, r->sql) == 0 && k->lists_seq == r->lists_seq && r->ncuts > 0 &&
                   same_marks(k, &r->cuts[0]);
    }
    return false;
}

static const struct control_position *position_of(const struct checkmeta *m, uint32_t stream,
                                                  uint32_t partition)
{
    for (size_t i = 0; i < m->npositions; i++)
        if (m->positions[i].at.stream == stream && m->positions[i].at.partition == partition)
            return &m->positions[i].at;
    return NULL;
}

static bool begins_behind(const struct checkmeta *m, const struct registry_rule *r,
                          const struct schema *s)
{
    bool several = r->plan->shape == RULE_JOIN || plan_is_derived(r->plan);
    for (unsigned p = 0; p < s->partitions; p++) {
        const struct control_position *at = position_of(m, s->id, p);
        uint64_t from = 0;
        for (unsigned i = 0; r->ncuts > 0 && i < r->cuts[0].nmarks; i++) {
            const struct job_mark *mark = &r->cuts[0].marks[i];
            if (mark->partition == p && (!several || mark->stream == s->id))
                from = mark->offset;
        }
        if (at != NULL && from < at->offset)
            return false;
    }
    return true;
}

enum checkmeta_fate checkmeta_fate(const struct checkmeta *m, const struct registry_rule *of,
                                   uint32_t *from, const char **stream)
{
    const struct registry_rule *newest = of;
    /* A version that hands over begins where the one before it ends: the oldest that the checkpoint has, or else the
     * first of all, must begin behind it. */
    while (of->before != NULL && !has_rule(m, of))
        of = of->before;
    *from = of->version;
    if (has_rule(m, of))
        return of == newest ? CHECKMETA_KEPT : CHECKMETA_UPGRADED;
    const struct schema *streams[PLAN_ROOTS_MAX];
    unsigned n = plan_roots(of->plan, streams);
    for (unsigned k = 0; k < n; k++)
        /* Of punctuated streams nobody knows how far ahead of its time what was found before had been. */
        if (!begins_behind(m, of, streams[k]) ||
            (plan_is_derived(of->plan) && streams[k]->watermark == WATERMARK_PUNCTUATED)) {
            *stream = streams[k]->name;
            return CHECKMETA_UNUSABLE;
        }
    return CHECKMETA_NEW;
}

bool checkmeta_is_claimed(const struct checkmeta *m, size_t i, struct registry *r)
{
    const struct registry_rule *v = registry_rule(r, m->rules[i].uid);
    while (v != NULL && v->version != m->rules[i].version)
        v = v->before;
    return v != NULL && has_rule(m, v);
}

bool checkmeta_is_past(const struct checkmeta *m, uint64_t uid, struct registry *r)
{
    const struct registry_rule *of;
    bool taken = false;
    for (size_t i = 0; i < m->nrules; i++)
        if (m->rules[i].uid == uid)
            return false;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++)
        for (const struct registry_rule *v = of; v != NULL; v = v->before)
            taken = taken || (v->ncuts > 0 && v->cuts[0].from == uid && has_rule(m, v));
    return taken;
}

bool checkmeta_fits(const struct checkmeta *m, struct registry *r, struct diag *d)
{
    const struct registry_rule *of;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++) {
        uint32_t from;
        const char *stream = NULL;
        if (checkmeta_fate(m, of, &from, &stream) != CHECKMETA_UNUSABLE ||
            checkmeta_is_past(m, of->uid, r))
            continue;
        diag_say(d, "checkpoint", NULL,
                 "rule %s, which it does not have, reads stream %s from before it", of->name,
                 stream);
        return false;
    }
    return true;
}

bool checkmeta_is_same(const struct checkmeta *m, struct registry *r)
{
    const struct registry_rule *of;
    unsigned n = 0;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++)
        for (const struct registry_rule *v = of; v != NULL && v->version >= of->retired;
             v = v->before, n++)
            if (!has_rule(m, v))
                return false;
    return n == m->nrules;
}

void checkmeta_forget_versions(const struct checkmeta *m, struct registry *r)
{
    const struct registry_rule *of;
    for (unsigned i = 0; (of = registry_rule_at(r, i)) != NULL; i++) {
        uint32_t oldest = 0;
        for (const struct registry_rule *v = of; v != NULL; v = v->before)
            if (has_rule(m, v))
                oldest = v->version;
        registry_forget_versions(r, of->uid, oldest);
    }
}
