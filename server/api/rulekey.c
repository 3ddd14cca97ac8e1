/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/rulekey.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static enum err wrong(const struct rule_plan *p, struct diag *d)
{
    struct bytes names = {0};
    for (unsigned i = 0; i < plan_nkeys(p); i++)
        bytes_printf(&names, "%s\"%s\": …", i > 0 ? ", " : "", plan_key_name(p, i));
    bytes_u8(&names, 0);
    diag_say(d, "key", NULL, "the key of rule %s is {%s}", p->name, (const char *)names.p);
    bytes_fini(&names);
    return ERR_INVALID;
}

struct part { /* of a key */
    const char *name;
    struct type type;
};

static enum err put_text(const struct part *p, const char *text, struct diag *d, struct bytes *out)
{
    struct value v = {.type = p->type};
    char type[32];
    if (value_parse_text(v.type, text, strlen(text), &v.c)) {
        value_key(&v, out);
        return ERR_OK;
    }
    diag_say(d, "key", NULL, "'%.100s' is no value of %s, which is %s", text, p->name,
             schema_type_name(v.type, type));
    return ERR_INVALID;
}

/* ERR_NOT_FOUND: that is no value at all; nothing is said. */
static enum err put_part(const struct part *p, const json_t *v, struct diag *d, struct bytes *out)
{
    if (json_is_null(v)) {
        const struct value none = {.type = p->type, .null = true};
        value_key(&none, out);
        return ERR_OK;
    }
    if (json_is_string(v))
        return put_text(p, json_string_value(v), d, out);
    if (v == NULL || json_is_object(v) || json_is_array(v))
        return ERR_NOT_FOUND;
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    enum err e = text != NULL ? put_text(p, text, d, out) : ERR_NOT_FOUND;
    free(text);
    return e;
}

static struct part part_of(const struct rule_plan *p, unsigned i)
{
    return (struct part){plan_key_name(p, i), plan_key_type(p, i)};
}

static enum err put_value(const struct rule_plan *p, unsigned i, const json_t *v, struct diag *d,
                          struct bytes *out)
{
    const struct part part = part_of(p, i);
    enum err e = put_part(&part, v, d, out);
    return e == ERR_NOT_FOUND ? wrong(p, d) : e;
}

enum err rulekey_from_json(const struct rule_plan *p, const json_t *key, struct diag *d,
                           struct bytes *out)
{
    unsigned n = plan_nkeys(p);
    enum err e = ERR_OK;
    if (!json_is_object(key))
        return n == 1 ? put_value(p, 0, key, d, out) : wrong(p, d);
    if (json_object_size(key) != n)
        return wrong(p, d);
    for (unsigned i = 0; i < n && e == ERR_OK; i++)
        e = put_value(p, i, json_object_get(key, plan_key_name(p, i)), d, out);
    return e;
}

enum err rulekey_from_text(const struct rule_plan *p, const char *text, struct diag *d,
                           struct bytes *out)
{
    if (text[0] != '{' && plan_nkeys(p) != 1)
        return wrong(p, d);
    if (text[0] != '{') {
        const struct part part = part_of(p, 0);
        return put_text(&part, text, d, out);
    }
    json_t *key = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum err e = key != NULL ? rulekey_from_json(p, key, d, out) : wrong(p, d);
    json_decref(key);
    return e;
}

static enum err add_column(const struct schema *s, const char *name, struct diag *d,
                           struct plan_key *by)
{
    int column = schema_column(s, name, strlen(name));
    if (column < 0 || s->columns[column].computed != NULL || by->n == PLAN_KEYS_MAX) {
        diag_say(d, "key", NULL, "stream %s has no column '%.100s' to look for", s->name, name);
        return ERR_INVALID;
    }
    unsigned at = by->n;
    for (; at > 0 && by->columns[at - 1] >= column; at--)
        if (by->columns[at - 1] == column)
            return ERR_OK;
    memmove(&by->columns[at + 1], &by->columns[at], (by->n - at) * sizeof by->columns[0]);
    by->columns[at] = (uint16_t)column;
    by->n++;
    return ERR_OK;
}

static const json_t *member(const json_t *key, const char *name)
{
    const char *own;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)key, own, v)
    {
        if (strcasecmp(own, name) == 0)
            return v;
    }
    return NULL;
}

enum err rulekey_of_columns(const struct rule_plan *p, const json_t *key, struct diag *d,
                            struct plan_key *by, struct bytes *out)
{
    const struct schema *s = p->input;
    const char *name;
    json_t *v;
    enum err e = ERR_OK;
    *by = (struct plan_key){.n = 0};
    json_object_foreach((json_t *)(uintptr_t)key, name, v)
    {
        if ((e = add_column(s, name, d, by)) != ERR_OK)
            return e;
    }
    for (unsigned i = 0; i < by->n && e == ERR_OK; i++) {
        const struct column *c = &s->columns[by->columns[i]];
        const struct part part = {c->name, c->type};
        e = put_part(&part, member(key, c->name), d, out);
    }
    if (by->n > 0 && e != ERR_NOT_FOUND)
        return e;
    diag_say(d, "key", NULL,
             "the key of a filter is an object of columns of stream %s: {\"%s\": …}", s->name,
             s->columns[0].name);
    return ERR_INVALID;
}
