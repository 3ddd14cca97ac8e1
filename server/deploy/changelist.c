/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_MODULE "change"
#include "server/deploy/changelist.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/deploy/change.h"
#include "server/deploy/changecut.h"
#include "server/deploy/registrylist.h"
#include "server/wire/listwire.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { EXPIRED_AT_ONCE = 10000 };

struct changelist {
    uint64_t uid;
    struct listitems *items;
    struct changelist_options o; /* with texts of its own */
    char *over_key, *over_text; /* NULL: the items are whole */
    size_t over_n;
    struct changelist_counts counts;
    int refs;
};

struct changelist *changelist_new(uint64_t uid, struct listitems *items,
                                  const struct changelist_options *o)
{
    struct changelist *c = mem_new(sizeof *c);
    c->uid = uid;
    c->items = items;
    c->o = *o;
    c->o.who = o->who != NULL ? mem_str(o->who) : NULL;
    c->o.reason = o->reason != NULL ? mem_str(o->reason) : NULL;
    c->refs = 1;
    return c;
}

struct changelist *changelist_over(uint64_t uid, struct list *l, const char *key, const char *text,
                                   size_t n, const struct changelist_options *o)
{
    struct changelist *c = changelist_new(uid, listitems_new(l), o);
    c->over_key = mem_str(key);
    c->over_text = mem_dup(text, n);
    c->over_n = n;
    return c;
}

struct changelist *changelist_ref(struct changelist *c)
{
    __atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

void changelist_unref(struct changelist *c)
{
    if (c == NULL || __atomic_fetch_sub(&c->refs, 1, __ATOMIC_ACQ_REL) > 1)
        return;
    listitems_free(c->items);
    mem_free((char *)(uintptr_t)c->o.who);
    mem_free((char *)(uintptr_t)c->o.reason);
    mem_free(c->over_key);
    mem_free(c->over_text);
    mem_free(c);
}

struct changelist_counts changelist_counts(const struct changelist *c)
{
    return c->counts;
}

/* --- the cut ------------------------------------------------------------------------------------------------------- */

struct readers { /* of a list */
    const struct schema **streams; /* each once */
    size_t nstreams, cap;
    uint64_t folded; /* every rule was deployed after this change */
    unsigned rules;
};

static void note_stream(struct readers *r, const struct schema *s)
{
    for (size_t i = 0; i < r->nstreams; i++)
        if (r->streams[i] == s)
            return;
    r->streams = mem_grow(r->streams, r->nstreams, 1, &r->cap, sizeof(const struct schema *));
    r->streams[r->nstreams++] = s;
}

static void note_reader(void *ctx, const struct registry_rule *rule)
{
    struct readers *r = ctx;
    r->rules++;
    if (rule->lists_seq < r->folded)
        r->folded = rule->lists_seq;
    const struct schema *streams[PLAN_STREAMS_MAX];
    unsigned n = plan_streams(rule->plan, streams);
    for (unsigned i = 0; i < n; i++)
        note_stream(r, streams[i]);
}

/* A file may just be read again: what was seen before the cut is before it. */
static uint64_t mark_of(const struct change_env *env, const struct schema *s,
                        const struct job_mark *m)
{
    uint64_t reached =
        strcmp(s->connector, "file") == 0 ? feed_reached(env->feed, s->id, m->partition) : 0;
    return reached > m->offset ? reached : m->offset;
}

/* Where the log ends, or the files have been read to; but never before the list's last cut. */
static void make_cut(const struct change_env *env, const struct registry_list *l,
                     const struct readers *r, struct arena *a, struct catalog_list_change *ch)
{
    struct job_mark marks[SCHEMA_PARTITIONS_MAX] = {{0}}; /* files may have become fewer */
    struct list_marks *streams = arena_zero(a, (r->nstreams + 1) * sizeof *streams);
    struct list_cut here = {0, (unsigned)r->nstreams, streams}, merged;
    for (size_t i = 0; i < r->nstreams; i++) {
        unsigned n = r->streams[i]->partitions;
        change_marks(env, r->streams[i], marks);
        uint64_t *offsets = arena_alloc(a, (n + 1) * sizeof *offsets);
        for (unsigned p = 0; p < n; p++)
            offsets[p] = mark_of(env, r->streams[i], &marks[p]);
        streams[i] = (struct list_marks){r->streams[i]->id, n, offsets};
    }
    list_merge(l->cuts, &here, a, &merged);
    unsigned total = 0;
    for (unsigned i = 0; i < merged.nstreams; i++)
        total += merged.streams[i].n;
    struct catalog_list_mark *stored = arena_zero(a, (total + 1) * sizeof *stored);
    for (unsigned i = 0; i < merged.nstreams; i++) {
        const struct schema *s = registry_stream_by_id(env->registry, merged.streams[i].stream);
        change_marks(env, s, marks);
        for (unsigned p = 0; p < merged.streams[i].n; p++)
            stored[ch->nmarks++] =
                (struct catalog_list_mark){s->id, p, merged.streams[i].offsets[p], marks[p].w};
    }
    ch->marks = stored;
}

/* The marks of a change, as they are stored, by stream. */
static void cut_of(uint64_t seq, unsigned n, const struct catalog_list_mark *m, struct arena *a,
                   struct list_cut *out)
{
    struct list_marks *streams = arena_zero(a, (n + 1) * sizeof *streams);
    *out = (struct list_cut){.seq = seq, .streams = streams};
    for (unsigned i = 0; i < n; i++) {
        if (i == 0 || m[i].stream != m[i - 1].stream)
            streams[out->nstreams++] =
                (struct list_marks){m[i].stream, 0,
                                    arena_zero(a, SCHEMA_PARTITIONS_MAX * sizeof(uint64_t))};
        struct list_marks *to = &streams[out->nstreams - 1];
        if (m[i].partition >= SCHEMA_PARTITIONS_MAX)
            continue;
        ((uint64_t *)(uintptr_t)to->offsets)[m[i].partition] = m[i].offset;
        to->n = m[i].partition + 1;
    }
}

/* --- the change ---------------------------------------------------------------------------------------------------- */

struct over {
    struct changelist *c;
    struct listitems_problem problem;
    enum err e;
};

static void lay_over(void *ctx, const struct catalog_list_item *i)
{
    struct over *o = ctx;
    o->e = listitems_json_over(o->c->items, i->row, o->c->over_text, o->c->over_n, &o->problem);
}

/* The item as it is now, with what the change says laid over it. */
static enum err make_whole(struct changelist *c, const struct change_env *env, struct diag *d)
{
    struct over o = {.c = c};
    if (c->over_key == NULL || listitems_count(c->items) > 0)
        return ERR_OK;
    enum err e = catalog_lists_item_get(env->catalog, c->uid, c->over_key, lay_over, &o);
    if (e == ERR_NOT_FOUND)
        diag_say(d, "not-found", NULL, "the list has no item '%.200s'", c->over_key);
    else if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "the item cannot be read: %s", err_text(e));
    else if ((e = o.e) != ERR_OK)
        diag_say(d, "item", NULL, "%s", o.problem.text);
    else if (strcmp(listitems_edits(c->items)[0].key, c->over_key) != 0) {
        diag_say(d, "item", "add an item with the other key, and remove this one",
                 "the key of an item cannot be changed");
        e = ERR_INVALID;
    }
    return e;
}

static void tell_key(void *ctx, const struct catalog_list_states *s)
{
    listwire_put_key(LISTWIRE_EDIT, s->key, s->before, s->row, ctx);
}

static void say_failed(const struct change_env *env, const char *list, enum err e,
                       const struct catalog_list_change *ch, struct diag *d)
{
    if (e != ERR_LIMIT)
        diag_say(d, "catalogue", NULL, "the change of list %s cannot be stored: %s", list,
                 err_text(e));
    else if (strcmp(ch->too_many, "items") == 0)
        diag_say(d, "limit", "remove some, or start weir with a greater --max-list-items",
                 "list %s would have more than %" PRIu64 " items (--max-list-items)", list,
                 env->limits.list_items);
    else
        diag_say(d, "limit",
                 "replace the rules that read the list (CREATE OR REPLACE RULE): what was edited "
                 "before they were deployed is not kept; or start weir with a greater "
                 "--max-list-edits",
                 "more than %" PRIu64 " edits of list %s are kept for a replay (--max-list-edits)",
                 env->limits.list_edits, list);
}

static const struct registry_list *named(const struct change_env *env, const char *name)
{
    const struct registry_list *l = NULL;
    for (unsigned i = 0; (l = registrylist_at(env->registry, i)) != NULL; i++)
        if (strcasecmp(l->name, name) == 0)
            return l;
    return NULL;
}

enum err changelist_commit(struct changelist *c, const struct change_env *env, const char *name,
                           struct diag *d, struct bytes *wire)
{
    const struct registry_list *l = named(env, name);
    if (l == NULL || (c->uid != 0 && c->uid != l->uid)) {
        diag_say(d, "not-found", NULL, "list %s has been deleted", name);
        return ERR_NOT_FOUND;
    }
    c->uid = l->uid;
    enum err e = make_whole(c, env, d);
    if (e != ERR_OK)
        return e;
    struct arena *a = arena_new(16 << 10, 0);
    struct bytes keys = {0};
    struct readers r = {.folded = UINT64_MAX};
    registrylist_rules(env->registry, l->name, note_reader, &r);
    struct catalog_list_change ch = {.list = c->uid,
                                     .what = c->o.what,
                                     .who = c->o.who,
                                     .reason = c->o.reason,
                                     .at = timebase_now_ms(),
                                     .expires = c->o.expires,
                                     .keep = c->o.keep,
                                     .keep_expiry = c->o.keep_expiry,
                                     .replace = c->o.replace,
                                     .n = listitems_count(c->items),
                                     .edits = listitems_edits(c->items),
                                     .cut = r.rules > 0,
                                     .folded = r.folded,
                                     .max_items = env->limits.list_items,
                                     .max_changes = env->limits.list_edits};
    if (r.rules > 0)
        make_cut(env, l, &r, a, &ch);
    e = catalog_listedit(env->catalog, &ch, tell_key, &keys);
    c->counts = (struct changelist_counts){ch.added, ch.removed, ch.changed};
    if (e != ERR_OK) {
        say_failed(env, l->name, e, &ch, d);
    } else if (keys.n > 0) {
        struct list_cut cut;
        cut_of(ch.seq, ch.nmarks, ch.marks, a, &cut);
        list_cut(l->cuts, &cut);
        listwire_put_head(&(struct listwire_head){c->uid, false, ""}, wire);
        listwire_put_cut(&cut, wire);
        bytes_put(wire, keys.p, keys.n);
        LOG_INFO("list edited", "list=%s change=%" PRIu64 " added=%" PRIu64 " removed=%" PRIu64,
                 l->name, ch.seq, ch.added, ch.removed);
    }
    mem_free(r.streams);
    bytes_fini(&keys);
    arena_free(a);
    return e;
}

/* --- all of a list ------------------------------------------------------------------------------------------------- */

struct everything {
    const struct registry_list *l;
    void (*send)(void *ctx, const struct bytes *message);
    void *ctx;
    struct bytes out;
    struct arena *a;
    struct list_cut *cuts;
    size_t ncuts, cap, next; /* next: the first that has not been told */
};

static void flush(struct everything *x, bool again)
{
    x->send(x->ctx, &x->out);
    bytes_reset(&x->out);
    if (again)
        listwire_put_head(&(struct listwire_head){x->l->uid, false, ""}, &x->out);
}

static void note_cut(void *ctx, uint64_t seq, unsigned n, const struct catalog_list_mark *marks)
{
    struct everything *x = ctx;
    struct list_cut cut;
    cut_of(seq, n, marks, x->a, &cut);
    x->cuts = mem_grow(x->cuts, x->ncuts, 1, &x->cap, sizeof *x->cuts);
    x->cuts[x->ncuts++] = cut;
    list_cut(x->l->cuts, &cut);
}

static void tell_edit(void *ctx, uint64_t seq, const struct catalog_list_states *s)
{
    struct everything *x = ctx;
    if (x->out.n > LISTWIRE_BYTES) {
        flush(x, true);
        listwire_put_cut(&x->cuts[x->next - 1], &x->out); /* known, but edits stand behind a cut */
    }
    while (x->next < x->ncuts && x->cuts[x->next].seq <= seq)
        listwire_put_cut(&x->cuts[x->next++], &x->out);
    listwire_put_key(LISTWIRE_PAST, s->key, s->before, s->row, &x->out);
}

static void tell_item(void *ctx, const char *key, const char *row)
{
    struct everything *x = ctx;
    if (x->out.n > LISTWIRE_BYTES)
        flush(x, true);
    listwire_put_key(LISTWIRE_ITEM, key, NULL, row, &x->out);
}

enum err changelist_everything(const struct change_env *env, const struct registry_list *l,
                               void (*send)(void *ctx, const struct bytes *message), void *ctx)
{
    struct everything x = {.l = l, .send = send, .ctx = ctx, .a = arena_new(16 << 10, 0)};
    listwire_put_head(&(struct listwire_head){l->uid, false, l->sql}, &x.out);
    enum err e = catalog_lists_cuts(env->catalog, l->uid, note_cut, &x);
    if (e == ERR_OK)
        e = catalog_lists_edits(env->catalog, l->uid, tell_edit, &x);
    if (e == ERR_OK)
        e = catalog_lists_keys(env->catalog, l->uid, tell_item, &x);
    flush(&x, false);
    mem_free(x.cuts);
    bytes_fini(&x.out);
    arena_free(x.a);
    return e;
}

enum err changelist_load(const struct change_env *env, const struct registry_list *l)
{
    struct everything x = {.l = l, .a = arena_new(16 << 10, 0)};
    enum err e = catalog_lists_cuts(env->catalog, l->uid, note_cut, &x);
    mem_free(x.cuts);
    arena_free(x.a);
    return e;
}

enum err changelist_fold(const struct change_env *env)
{
    enum err e = ERR_OK;
    const struct registry_list *l;
    for (unsigned i = 0; e == ERR_OK && (l = registrylist_at(env->registry, i)) != NULL; i++) {
        struct readers r = {.folded = UINT64_MAX};
        registrylist_rules(env->registry, l->name, note_reader, &r);
        e = catalog_listedit_fold(env->catalog, l->uid, r.folded);
        mem_free(r.streams);
    }
    return e;
}

/* --- lists --------------------------------------------------------------------------------------------------------- */

static enum err too_many(const struct change_env *env, struct diag *d)
{
    unsigned n = 0;
    while (registrylist_at(env->registry, n) != NULL)
        n++;
    if (n < env->limits.lists)
        return ERR_OK;
    diag_say(d, "limit", "delete one, or start weir with a greater --max-lists",
             "there are %u lists already (--max-lists)", n);
    return ERR_LIMIT;
}

/* Only what is looked up must stay; other columns come and go. */
static enum err same_key(const struct registry_list *old, const char *sql, struct registry *r,
                         struct diag *d)
{
    struct script *script = NULL;
    enum err e = compile_script(sql, strlen(sql), registry_scope(r), d, &script);
    if (e != ERR_OK)
        return e;
    const struct list *to = script->statements[0].list;
    const struct column *a = &list_schema(old->list)->columns[list_key(old->list)];
    const struct column *b = &list_schema(to)->columns[list_key(to)];
    if (strcasecmp(a->name, b->name) != 0 || !schema_type_same(a->type, b->type)) {
        diag_say(d, "conflict", "delete the list first, or give the new one another name",
                 "the key of list %s, %s, cannot be changed", old->name, a->name);
        e = ERR_CONFLICT;
    }
    compile_script_free(script);
    return e;
}

enum err changelist_create(const struct change_env *env, const char *name, const char *sql,
                           struct diag *d)
{
    const struct registry_list *old = named(env, name);
    struct catalog_list l = {.name = name, .sql = sql, .created = timebase_now_ms()};
    enum err e = old != NULL ? same_key(old, sql, env->registry, d) : too_many(env, d);
    if (e != ERR_OK)
        return e;
    l.uid = old != NULL ? old->uid : 0;
    e = old != NULL ? catalog_lists_define(env->catalog, l.uid, sql)
                    : catalog_lists_add(env->catalog, &l);
    if (e != ERR_OK)
        diag_say(d, "catalogue", NULL, "list %s cannot be stored: %s", name, err_text(e));
    else
        e = registrylist_put(env->registry, l.uid, sql, strlen(sql), d);
    if (e == ERR_OK)
        LOG_INFO("list created", "list=%s uid=%" PRIu64 " replaced=%d", name, l.uid, old != NULL);
    return e;
}

enum err changelist_may_go(const struct change_env *env, const char *name, struct diag *d)
{
    struct bytes rules = {0};
    if (named(env, name) == NULL) {
        diag_say(d, "not-found", NULL, "there is no list %s", name);
        return ERR_NOT_FOUND;
    }
    unsigned n = registrylist_rules(env->registry, name, changecut_name_rule, &rules);
    if (n > 0)
        diag_say(d, "conflict", "delete or replace these rules first",
                 "list %s is read by %u rule%s: %.*s", name, n, n == 1 ? "" : "s", (int)rules.n,
                 (const char *)rules.p);
    bytes_fini(&rules);
    return n > 0 ? ERR_CONFLICT : ERR_OK;
}

enum err changelist_drop(const struct change_env *env, const char *name, struct diag *d,
                         struct bytes *wire)
{
    enum err e = changelist_may_go(env, name, d);
    if (e != ERR_OK)
        return e;
    uint64_t uid = named(env, name)->uid;
    if ((e = catalog_lists_remove(env->catalog, uid)) != ERR_OK) {
        diag_say(d, "catalogue", NULL, "list %s cannot be deleted: %s", name, err_text(e));
        return e;
    }
    registrylist_remove(env->registry, uid);
    listwire_put_head(&(struct listwire_head){uid, true, ""}, wire);
    LOG_INFO("list deleted", "list=%s", name);
    return ERR_OK;
}

/* --- expiry -------------------------------------------------------------------------------------------------------- */

struct due {
    struct bytes keys; /* each with its NUL */
};

static void note_due(void *ctx, const char *key)
{
    bytes_put(&((struct due *)ctx)->keys, key, strlen(key) + 1);
}

struct changelist *changelist_expired(const struct change_env *env, evtime now, const char **name)
{
    static const struct changelist_options o = {.what = "expiry",
                                                .reason = "its time is over",
                                                .expires = EVTIME_MIN};
    struct due due = {0};
    struct changelist *c = NULL;
    uint64_t uid = 0;
    enum err e = catalog_lists_expired(env->catalog, now, EXPIRED_AT_ONCE, &uid, note_due, &due);
    const struct registry_list *l = uid > 0 ? registrylist_by_uid(env->registry, uid) : NULL;
    if (e == ERR_OK && l != NULL) {
        struct listitems *items = listitems_new(l->list);
        struct listitems_problem problem;
        for (size_t at = 0; at < due.keys.n; at += strlen((const char *)due.keys.p + at) + 1) {
            const char *key = (const char *)due.keys.p + at;
            if (listitems_take(items, key, strlen(key), &problem) != ERR_OK)
                LOG_ERROR("a key that has expired is none", "list=%s", l->name);
        }
        c = changelist_new(uid, items, &o);
        *name = l->name;
    }
    bytes_fini(&due.keys);
    return c;
}
