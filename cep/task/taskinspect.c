/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/task/taskinspect.h"
#include "cep/task/taskdef.h"
#include <string.h>

enum { SLOTS_MAX = 1 << 16 }; /* that are looked at for one answer: rows wait meanwhile */

static void put_key(const struct rule_plan *p, const struct key *key, struct bytes *out)
{
    bytes_printf(out, "{\"key\":");
    taskinspect_key(p, key->bytes, key->len, out);
}

/* The key's object; nothing if it has no state of this rule, or none that fits. */
static bool put(const struct task *t, const struct task_key *k, const struct task_op *op,
                const struct key *key, const struct taskinspect_ask *ask, bool comma,
                struct bytes *out)
{
    size_t before = out->n;
    bool some = true;
    struct keystate *c = key->cells;
    while (c != NULL && &k->ops[c->rule] != op)
        c = c->next;
    if (c == NULL)
        return false;
    bytes_printf(out, comma ? "," : "");
    put_key(op->rule->pub.plan, key, out);
    if (op->match != NULL)
        some = matchinspect_key(op->match, c, task_stream_watermark(t, k->stream), ask, out);
    else if (op->window != NULL)
        windowinspect_key(op->window, c, ask->items, out);
    else
        overinspect_key(op->over, c, out);
    bytes_printf(out, "}");
    if (!some)
        out->n = before;
    return some;
}

static bool put_join(const struct task_join *j, const struct key *key,
                     const struct taskinspect_ask *ask, bool comma, struct bytes *out)
{
    if (key->cells == NULL)
        return false;
    bytes_printf(out, comma ? "," : "");
    put_key(j->rule->pub.plan, key, out);
    joininspect_key(j->op, key->cells, ask->items, out);
    bytes_printf(out, "}");
    return true;
}

bool taskinspect_place_of(struct task *t, unsigned rule, struct taskinspect_place *out)
{
    const struct jobdef_rule *r = &t->job->rules[rule];
    bool grouped = r->window != NULL && r->pub.plan->shape == RULE_WINDOW;
    *out = (struct taskinspect_place){0};
    if (r->join != NULL) {
        out->join = t->joins[r->slot];
    } else if (r->match != NULL || r->over != NULL || grouped) {
        out->key = t->keys[r->keydef];
        out->op = &out->key->ops[r->slot];
    }
    return out->join != NULL || out->key != NULL;
}

static const struct key *find_key(const struct taskinspect_place *at,
                                  const struct taskinspect_ask *ask)
{
    uint64_t hash = keytable_hash(ask->key, ask->key_n);
    if (at->join != NULL)
        return keytable_find(&join_side(at->join->op, JOIN_LEFT)->table, hash, ask->key,
                             ask->key_n);
    struct keyed *k = &at->key->keyed;
    const struct key *key = keytable_find(&k->table, hash, ask->key, ask->key_n);
    if (key != NULL || !at->key->out.on)
        return key;
    bytes_reset(&k->key_bytes);
    bytes_put(&k->key_bytes, ask->key, ask->key_n);
    return taskout_find(at->key, hash, at->key->out.time);
}

size_t taskinspect_rule(struct task *t, const struct taskinspect_ask *ask, struct bytes *out,
                        unsigned *n)
{
    struct taskinspect_place at;
    *n = 0;
    if (!taskinspect_place_of(t, ask->rule, &at))
        return 0;
    const struct keytable *table =
        at.join != NULL ? &join_side(at.join->op, JOIN_LEFT)->table : &at.key->keyed.table;
    size_t end = ask->from + SLOTS_MAX;
    const struct key *one = ask->key != NULL ? find_key(&at, ask) : NULL;
    for (size_t i = ask->key != NULL ? table->nslots : ask->from; i < table->nslots; i++) {
        const struct key *key = table->slots[i].key;
        if (i == end)
            return i;
        if (key == NULL)
            continue;
        if (*n == ask->keys || out->n > TASKINSPECT_BYTES_MAX)
            return i;
        *n += at.join != NULL ? put_join(at.join, key, ask, *n > 0, out)
                              : put(t, at.key, at.op, key, ask, *n > 0, out);
    }
    if (one != NULL)
        *n = at.join != NULL ? put_join(at.join, one, ask, false, out)
                             : put(t, at.key, at.op, one, ask, false, out);
    return 0;
}

/* --- for those who write what a rule knows of a key --- */

void taskinspect_time(const char *name, evtime t, struct bytes *out)
{
    char text[TIMEBASE_TEXT];
    if (t == EVTIME_MIN || t == EVTIME_MAX) {
        bytes_printf(out, "\"%s\":null", name);
        return;
    }
    timebase_format(t, text);
    bytes_printf(out, "\"%s\":\"%s\"", name, text);
}

void taskinspect_key(const struct rule_plan *p, const void *key, size_t n, struct bytes *out)
{
    struct bytes_reader r = bytes_read(key, n);
    bytes_printf(out, "{");
    for (unsigned i = 0; i < plan_nkeys(p); i++) {
        struct value v;
        const char *name = plan_key_name(p, i);
        if (!value_from_key(&r, plan_key_type(p, i), &v))
            break;
        bytes_printf(out, i > 0 ? "," : "");
        value_json_string(name, strlen(name), out);
        bytes_printf(out, ":");
        value_json(&v, out);
    }
    bytes_printf(out, "}");
}

void taskinspect_agg(const struct agg_call *call, const struct schema *s, struct bytes *out)
{
    const struct expr e = {.kind = EXPR_MATCH_AGG,
                           .agg = {.call = *call, .vars = UINT64_MAX, .running = true}};
    expr_print(&e, s, NULL, out);
}

void taskinspect_values(const struct keyed *k, const struct kept *r, struct bytes *out)
{
    bytes_printf(out, "{");
    for (unsigned c = 0; c < r->ncells; c++) {
        const struct column *column = &k->schema->columns[k->keeps[c].column];
        struct value v = {.type = column->type,
                          .null = r->row.nulls[c / 64] >> (c % 64) & 1,
                          .c = r->row.cells[c]};
        bytes_printf(out, c > 0 ? "," : "");
        value_json_string(column->name, strlen(column->name), out);
        bytes_printf(out, ":");
        value_json(&v, out);
    }
    bytes_printf(out, "}");
}
