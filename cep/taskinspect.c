/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/taskinspect.h"
#include "cep/taskdef.h"
#include <string.h>

static void put_key(const struct keyed *k, const struct rule_plan *p, const struct key *key,
                    struct bytes *out)
{
    struct bytes_reader r = bytes_read(key->bytes, key->len);
    bytes_printf(out, "{\"key\":{");
    for (unsigned i = 0; i < plan_nkeys(p) && i < k->key.n; i++) {
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

static bool put(const struct task *t, const struct task_key *k, const struct task_op *op,
                const struct key *key, const struct taskinspect_ask *ask, bool comma,
                struct bytes *out)
{
    const struct keystate *c = key->cells;
    while (c != NULL && &k->ops[c->rule] != op)
        c = c->next;
    if (c == NULL)
        return false;
    bytes_printf(out, comma ? "," : "");
    put_key(&k->keyed, op->rule->pub.plan, key, out);
    if (op->match != NULL)
        matchinspect_key(op->match, c, task_stream_watermark(t, k->stream), ask->items, out);
    else if (op->window != NULL)
        windowinspect_key(op->window, c, ask->items, out);
    bytes_printf(out, "}");
    return true;
}

size_t taskinspect_rule(const struct task *t, const struct taskinspect_ask *ask, struct bytes *out)
{
    const struct jobdef_rule *r = &t->job->rules[ask->rule];
    if (r->match == NULL && r->over == NULL &&
        (r->window == NULL || r->pub.plan->shape != RULE_WINDOW))
        return 0;
    const struct task_key *k = t->keys[r->keydef];
    const struct task_op *op = &k->ops[r->slot];
    const struct keytable *table = &k->keyed.table;
    if (ask->key != NULL) {
        const struct key *key =
            keytable_find(table, keytable_hash(ask->key, ask->key_n), ask->key, ask->key_n);
        if (key != NULL)
            put(t, k, op, key, ask, false, out);
        return 0;
    }
    unsigned n = 0;
    for (size_t i = ask->from; i < table->nslots; i++) {
        if (table->slots[i].key == NULL)
            continue;
        if (n == ask->keys)
            return i;
        n += put(t, k, op, table->slots[i].key, ask, n > 0, out);
    }
    return 0;
}
