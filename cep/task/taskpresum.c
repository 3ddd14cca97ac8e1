/* SPDX-License-Identifier: Apache-2.0
 *
 * Two-phase aggregation: rows of a hot key are summed up where they are read, and the sums go to the owner of the key, so
 * that a key that is half of all events does not make one worker do half of all work.
 *
 * A key is hot if a sample of the batch says so. Its rows become one accumulator for each rule and pane; rows of other
 * keys, and late ones, go the usual way. A sum arrives before the watermark that its rows were behind, and windows fire
 * by the watermark, so it does not matter that it comes ahead of the order in which rows are released. It is done for
 * aggregates whose result does not depend, to the last bit, on how rows are grouped.
 *
 * A part: u64 uid of the rule, text: key bytes, u64 time of one of the rows, varint rows, then each accumulator (aggbytes.h). */
#include "base/mem.h"
#include "cep/agg/aggbytes.h"
#include "cep/task/taskdef.h"
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_LEAST = 64, /* of a batch that is looked at */
    SAMPLE_EVERY = 8,
    COUNTERS = 256,
    HOT = 4, /* of a sample of 128: three in a hundred rows */
    SLOTS = 512, /* of the table of sums; a batch makes few */
};

struct sum { /* of one key, rule and pane */
    uint64_t hash;
    unsigned slot; /* of the rule in its key definition */
    int64_t pane;
    evtime ts; /* of one of its rows */
    uint32_t rows;
    uint32_t key_len;
    const uint8_t *key;
    uint64_t *acc;
    struct sum *next;
};

struct taskpresum { /* of one batch and key definition */
    struct arena *arena;
    uint64_t hashes[BATCH_ROWS]; /* of the keys of rows that were not summed up */
    uint8_t counters[COUNTERS];
    struct sum *slots[SLOTS];
};

struct taskpresum *taskpresum_new(void)
{
    struct taskpresum *p = mem_new(sizeof *p);
    p->arena = arena_new(64 << 10, 0);
    return p;
}

void taskpresum_free(struct taskpresum *p)
{
    if (p == NULL)
        return;
    arena_free(p->arena);
    mem_free(p);
}

/* --- which keys are hot --- */

static unsigned counter_of(uint64_t hash)
{
    return (unsigned)(hash >> 32) % COUNTERS;
}

static uint64_t hash_of(struct task_key *k, const struct batch *b, unsigned i)
{
    keyed_key_of(&k->keyed, b, i);
    return keytable_hash(k->keyed.key_bytes.p, k->keyed.key_bytes.n);
}

static bool sample(struct taskpresum *p, struct task_key *k, const struct batch *b,
                   const uint64_t *rows)
{
    bool hot = false;
    unsigned nth = 0;
    memset(p->counters, 0, sizeof p->counters);
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            if (nth++ % SAMPLE_EVERY != 0)
                continue;
            uint8_t *c =
                &p->counters[counter_of(hash_of(k, b, w * 64 + (unsigned)__builtin_ctzll(left)))];
            *c = (uint8_t)(*c + 1);
            hot |= *c >= HOT;
        }
    return hot;
}

/* --- rows to sums --- */

static struct sum *sum_of(struct taskpresum *p, const struct task_key *k, unsigned slot,
                          uint64_t hash, int64_t pane, unsigned words)
{
    const struct bytes *key = &k->keyed.key_bytes;
    uint64_t mixed = hash ^ (uint64_t)pane * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)slot << 7;
    struct sum **at = &p->slots[(mixed >> 40) % SLOTS];
    for (struct sum *s = *at; s != NULL; s = s->next)
        if (s->hash == hash && s->slot == slot && s->pane == pane && s->key_len == key->n &&
            (key->n == 0 || memcmp(s->key, key->p, key->n) == 0)) /* without a key p may be NULL */
            return s;
    struct sum *s = arena_zero(p->arena, sizeof *s);
    *s = (struct sum){
        .hash = hash, .slot = slot, .pane = pane, .key_len = (uint32_t)key->n, .next = *at};
    s->key = (const uint8_t *)arena_dup(p->arena, key->p, key->n);
    s->acc = arena_zero(p->arena, words * sizeof *s->acc);
    *at = s;
    return s;
}

static bool sees(const struct jobdef_rule *r, const struct batch *b, unsigned i)
{
    return cut_sees(&r->cut, b, i) && cut_mode_at(&r->cut, b->ts[i]) != RULE_PAUSED &&
           jobdef_has_columns(r, b);
}

static void add_row(struct task *t, const struct jobdef_stream *s, struct task_key *k,
                    struct batch *b, unsigned i, uint64_t hash)
{
    for (unsigned n = 0; n < k->def->nrules; n++) {
        const struct jobdef_rule *r = &t->job->rules[k->def->rules[n]];
        if (!(predindex_bits(s->conditions, r->see)[i / 64] >> (i % 64) & 1) || !sees(r, b, i))
            continue;
        int64_t pane = windowpane_of(&r->window->panes, b->ts[i]);
        if (!windowpane_in_window(&r->window->panes, pane))
            continue;
        struct sum *sum = sum_of(t->presum, k, n, hash, pane, r->window->words);
        windowprog_add(r->window, sum->acc, (struct rowref){.b = b, .i = i}, NULL,
                       k->keyed.scratch);
        sum->ts = b->ts[i];
        sum->rows++;
    }
    if (arena_bytes(k->keyed.scratch) > 0)
        arena_reset(k->keyed.scratch);
}

/* --- sums to their keys --- */

static void give(struct task_key *k, unsigned slot, uint64_t hash, const void *key, size_t n,
                 evtime ts, uint32_t rows, const uint64_t *acc)
{
    struct task_op *op = &k->ops[slot];
    struct key *at = keytable_find(&k->keyed.table, hash, key, n);
    if (at == NULL && k->out.on) {
        bytes_reset(&k->keyed.key_bytes);
        bytes_put(&k->keyed.key_bytes, key, n);
        at = taskout_find(k, hash, k->out.time);
    }
    if (at == NULL)
        at = keyed_add(&k->keyed, hash, key, n);
    keyed_touch(&k->keyed, at);
    struct keystate *c = at->cells;
    while (c != NULL && c->rule != slot)
        c = c->next;
    window_part(op->window, c, at, ts, acc);
    keyed_drop_if_idle(&k->keyed, at);
    op->rows += rows;
    evtime next = window_next(op->window);
    k->next_fire = next < k->next_fire ? next : k->next_fire;
}

static void send(struct task *t, const struct task_key *k, const struct sum *s, unsigned owner)
{
    const struct jobdef_rule *r = &t->job->rules[k->def->rules[s->slot]];
    struct bytes *out = &t->scratch;
    out->n = 0;
    bytes_u64(out, r->pub.uid);
    bytes_str(out, s->key, s->key_len);
    bytes_u64(out, (uint64_t)s->ts);
    bytes_varint(out, s->rows);
    for (unsigned a = 0; a < r->window->naggs; a++)
        aggbytes_save(&r->window->aggs[a].agg, &s->acc[r->window->aggs[a].at], out);
    frame_writer_part(&t->writers[owner], out->p, out->n);
}

static void hand_out(struct task *t, struct task_key *k)
{
    struct taskpresum *p = t->presum;
    for (unsigned i = 0; i < SLOTS; i++) {
        for (struct sum *s = p->slots[i]; s != NULL; s = s->next) {
            unsigned owner = t->owner[s->hash & (t->o.key_groups - 1)];
            if (owner == t->o.worker)
                give(k, s->slot, s->hash, s->key, s->key_len, s->ts, s->rows, s->acc);
            else
                send(t, k, s, owner);
            windowprog_clear(t->job->rules[k->def->rules[s->slot]].window, s->acc);
        }
        p->slots[i] = NULL;
    }
    arena_reset(p->arena);
}

bool taskpresum_rows(struct task *t, const struct jobdef_stream *s, struct task_key *k,
                     struct batch *b, uint64_t *rows, struct taskpresum_done *done)
{
    struct taskpresum *p = t->presum;
    bool all = k->def->presums_all || k->def->key.n == 0, any = false;
    if (!k->def->presums || b->n < ROWS_LEAST || (!all && !sample(p, k, b, rows)))
        return false;
    memset(done->rows, 0, sizeof done->rows);
    for (unsigned w = 0; w < (b->n + 63) / 64; w++)
        for (uint64_t left = rows[w] & ~(b->has_late ? b->late[w] : 0); left != 0;
             left &= left - 1) {
            unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
            uint64_t hash = hash_of(k, b, i);
            p->hashes[i] = hash;
            if (!all && p->counters[counter_of(hash)] < HOT)
                continue;
            add_row(t, s, k, b, i, hash);
            rows[w] &= ~(left & -left);
            done->rows[w] |= left & -left;
            any = true;
            t->stats.rows_presummed++;
        }
    if (any)
        hand_out(t, k);
    done->id = k->def->id;
    return any;
}

const uint64_t *taskpresum_hashes(const struct task *t)
{
    return t->presum->hashes;
}

/* --- rows that have been summed up for one key and go to other workers for another --- */

void taskpresum_send(struct task *t, unsigned to, struct batch *b, const uint64_t *rows,
                     const struct taskpresum_done *done, unsigned ndone)
{
    uint64_t with[BATCH_WORDS], without[BATCH_WORDS], some = 0, others = 0;
    if (ndone == 0) {
        frame_writer_rows(&t->writers[to], b, rows);
        return;
    }
    for (unsigned w = 0; w < BATCH_WORDS; w++) {
        some |= with[w] = rows[w] & done->rows[w];
        others |= without[w] = rows[w] & ~done->rows[w];
    }
    if (others != 0)
        taskpresum_send(t, to, b, without, done + 1, ndone - 1);
    if (some == 0)
        return;
    b->summed[b->nsummed++] = done->id;
    taskpresum_send(t, to, b, with, done + 1, ndone - 1);
    b->nsummed--;
}

bool taskpresum_has(const struct batch *b, const struct jobdef_key *def)
{
    for (unsigned i = 0; i < b->nsummed; i++)
        if (b->summed[i] == def->id && !def->by_arrival && !def->by_mark && def->order == NULL)
            return true;
    return false;
}

/* --- parts of other workers --- */

struct part {
    const struct jobdef_rule *rule; /* NULL: gone */
    const char *key;
    size_t key_n;
    evtime ts;
    uint32_t rows;
};

static const struct jobdef_rule *rule_of(const struct task *t, uint64_t uid)
{
    for (unsigned i = 0; t->job != NULL && i < t->job->nrules; i++)
        if (t->job->rules[i].pub.uid == uid)
            return &t->job->rules[i];
    return NULL;
}

static bool read_head(const struct task *t, struct bytes_reader *r, struct part *out)
{
    *out = (struct part){.rule = rule_of(t, bytes_get_u64(r))};
    out->key = bytes_get_str(r, &out->key_n);
    out->ts = (evtime)bytes_get_u64(r);
    uint64_t rows = bytes_get_varint(r);
    out->rows = (uint32_t)rows;
    if (r->bad || rows == 0 || rows > UINT32_MAX || out->ts < EVTIME_FIRST || out->ts > EVTIME_LAST)
        return false;
    return out->rule == NULL ||
           (out->rule->window != NULL && windowprog_presums(out->rule->window));
}

/* Into acc, which is empty. False: these are no accumulators; it is empty again. */
static bool read_acc(const struct windowprog *p, struct bytes_reader *r, uint64_t *acc)
{
    for (unsigned a = 0; a < p->naggs; a++)
        if (aggbytes_load(&p->aggs[a].agg, &acc[p->aggs[a].at], r) != ERR_OK) {
            windowprog_clear(p, acc);
            return false;
        }
    if (r->p == r->end)
        return true;
    windowprog_clear(p, acc);
    return false;
}

bool taskpresum_is_part(struct task *t, const void *p, size_t n)
{
    uint64_t acc[WINDOWPROG_WORDS_MAX] = {0};
    struct bytes_reader r = bytes_read(p, n);
    struct part part;
    if (!read_head(t, &r, &part))
        return false;
    if (part.rule == NULL)
        return true;
    if (!read_acc(part.rule->window, &r, acc))
        return false;
    windowprog_clear(part.rule->window, acc);
    return true;
}

void taskpresum_take(struct task *t, const void *p, size_t n)
{
    uint64_t acc[WINDOWPROG_WORDS_MAX] = {0};
    struct bytes_reader r = bytes_read(p, n);
    struct part part;
    if (!read_head(t, &r, &part) || part.rule == NULL || !read_acc(part.rule->window, &r, acc))
        return;
    if (t->snap.noting)
        taskflow_part(t, tasksnap_text(part.rule), p, n);
    give(t->keys[part.rule->keydef], part.rule->slot, keytable_hash(part.key, part.key_n), part.key,
         part.key_n, part.ts, part.rows, acc);
    windowprog_clear(part.rule->window, acc);
}

/* --- in a snapshot: the rule's text, then the part --- */

enum err taskpresum_load(struct task *t, struct bytes_reader *in)
{
    uint64_t text = bytes_get_u64(in);
    size_t n = (size_t)(in->end - in->p);
    struct bytes_reader r = *in;
    struct part part;
    if (in->bad || !taskpresum_is_part(t, in->p, n) || !read_head(t, &r, &part))
        return ERR_CORRUPT;
    uint64_t hash = keytable_hash(part.key, part.key_n);
    if (part.rule != NULL && tasksnap_text(part.rule) == text &&
        t->owner[hash & (t->o.key_groups - 1)] == t->o.worker)
        bytes_str(&t->snap.parts, in->p, n);
    return ERR_OK;
}

void taskpresum_loaded(struct task *t)
{
    struct bytes_reader in = bytes_read(t->snap.parts.p, t->snap.parts.n);
    while (in.p < in.end) {
        size_t n = 0;
        const char *p = bytes_get_str(&in, &n);
        taskpresum_take(t, p, n);
    }
    bytes_fini(&t->snap.parts);
    t->snap.parts = (struct bytes){0};
}
