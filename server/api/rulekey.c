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

static enum err put_text(const struct rule_plan *p, unsigned i, const char *text, struct diag *d,
                         struct bytes *out)
{
    struct value v = {.type = plan_key_type(p, i)};
    char type[32];
    if (value_parse_text(v.type, text, strlen(text), &v.c)) {
        value_key(&v, out);
        return ERR_OK;
    }
    diag_say(d, "key", NULL, "'%.100s' is no value of %s, which is %s", text, plan_key_name(p, i),
             schema_type_name(v.type, type));
    return ERR_INVALID;
}

static enum err put_value(const struct rule_plan *p, unsigned i, const json_t *v, struct diag *d,
                          struct bytes *out)
{
    if (json_is_null(v)) {
        const struct value none = {.type = plan_key_type(p, i), .null = true};
        value_key(&none, out);
        return ERR_OK;
    }
    if (json_is_string(v))
        return put_text(p, i, json_string_value(v), d, out);
    if (v == NULL || json_is_object(v) || json_is_array(v))
        return wrong(p, d);
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    enum err e = text != NULL ? put_text(p, i, text, d, out) : wrong(p, d);
    free(text);
    return e;
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
    if (text[0] != '{')
        return plan_nkeys(p) == 1 ? put_text(p, 0, text, d, out) : wrong(p, d);
    json_t *key = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum err e = key != NULL ? rulekey_from_json(p, key, d, out) : wrong(p, d);
    json_decref(key);
    return e;
}
