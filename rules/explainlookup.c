/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/explainlookup.h"
#include "cep/table.h"
#include "rules/explain.h"
#include <string.h>

static const char *const on_errors[] = {"dead-letter", "null", "fail"};

static const char *place_of(const struct table *t)
{
    const char *names[] = {"path", "url", "url-env", "url-file"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (schema_option(t->schema, names[i]) != NULL)
            return schema_option(t->schema, names[i]);
    return "";
}

static void put_duration(const char *what, int64_t ms, struct bytes *out)
{
    bytes_printf(out, "%s", what);
    explain_duration(ms, out);
}

void explainlookup_text(const struct rule_plan *p, struct bytes *out)
{
    for (unsigned i = 0; i < p->nlookups; i++) {
        const struct plan_lookup *l = &p->lookups[i];
        const struct table *t = l->rows->table;
        bytes_printf(out, "  look-up    %s, %s %s, by %s = ", t->schema->name, t->schema->connector,
                     place_of(t), t->schema->columns[t->key].name);
        expr_print(l->key, l->rows->from, NULL, out);
        if (l->when != NULL) {
            bytes_printf(out, "\n    of rows  ");
            expr_print(l->when, l->rows->from, NULL, out);
        }
        put_duration("\n    timeout  ", t->timeout_ms, out);
        bytes_printf(out, ", %u retries", t->retries);
        if (t->retries > 0)
            put_duration(" after ", t->retry_delay_ms, out);
        bytes_printf(out, "; then %s\n    capacity %u keys at once, %u a request, %u connections\n",
                     t->on_error == TABLE_NULL   ? "the row goes on with NULL"
                     : t->on_error == TABLE_FAIL ? "the workers stop"
                                                 : "a dead letter",
                     t->capacity, t->batch, t->connections);
        bytes_printf(out, "    cache    %u rows", t->cache_rows);
        put_duration(" for ", t->cache_ttl_ms, out);
        bytes_printf(out, "%s\n    output   %s\n",
                     t->cache_missing ? ", keys that are missing too" : "",
                     t->unordered ? "unordered" : "ordered");
    }
}

static void put_text(const char *name, const char *text, size_t n, struct bytes *out)
{
    bytes_printf(out, "\"%s\":", name);
    value_json_string(text, n, out);
}

void explainlookup_json(const struct rule_plan *p, struct bytes *out)
{
    struct bytes key = {0};
    if (p->nlookups == 0)
        return;
    bytes_printf(out, "\"lookups\":[");
    for (unsigned i = 0; i < p->nlookups; i++) {
        const struct plan_lookup *l = &p->lookups[i];
        const struct table *t = l->rows->table;
        bytes_reset(&key);
        expr_print(l->key, l->rows->from, NULL, &key);
        bytes_printf(out, i > 0 ? ",{" : "{");
        put_text("table", t->schema->name, strlen(t->schema->name), out);
        bytes_printf(out, ",\"connector\":\"%s\",", t->schema->connector);
        put_text("key", (const char *)key.p, key.n, out);
        bytes_printf(out,
                     ",\"timeout_ms\":%lld,\"retries\":%u,\"capacity\":%u,\"batch\":%u,"
                     "\"connections\":%u,\"cache_rows\":%u,\"cache_ttl_ms\":%lld,"
                     "\"ordered\":%s,\"on_error\":\"%s\"}",
                     (long long)t->timeout_ms, t->retries, t->capacity, t->batch, t->connections,
                     t->cache_rows, (long long)t->cache_ttl_ms, t->unordered ? "false" : "true",
                     on_errors[t->on_error]);
    }
    bytes_printf(out, "],");
    bytes_fini(&key);
}

void explainlookup_waits(const struct rule_plan *p, struct bytes *out)
{
    for (unsigned i = 0; i < p->nlookups; i++) {
        bytes_printf(out, "; each row for what %s answers, at most ",
                     p->lookups[i].rows->table->schema->name);
        explain_duration(p->lookups[i].rows->table->timeout_ms, out);
    }
}
