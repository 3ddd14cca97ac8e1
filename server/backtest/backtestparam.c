/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestparam.h"
#include "base/mem.h"
#include "server/http/jsonw.h"
#include <ctype.h>
#include <string.h>

static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

static bool is_value(const json_t *v)
{
    return json_is_number(v) || json_is_string(v) || json_is_boolean(v);
}

static enum err check_values(const char *name, const json_t *values, struct diag *d)
{
    size_t i;
    const json_t *v;
    if (!is_name(name)) {
        diag_say(d, "parameters", NULL, "parameter '%.100s' has no name of letters and digits",
                 name);
        return ERR_INVALID;
    }
    if (!json_is_array(values) || json_array_size(values) == 0) {
        diag_say(d, "parameters", "write {\"limit\": [100, 200, 500]}",
                 "parameter '%s' is no list of values", name);
        return ERR_INVALID;
    }
    json_array_foreach((json_t *)(uintptr_t)values, i, v) if (!is_value(v))
    {
        diag_say(d, "parameters", NULL,
                 "value %zu of parameter '%s' is not a number, a text or a boolean", i + 1, name);
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err backtestparam_count(const json_t *parameters, struct diag *d, unsigned *n)
{
    const char *name;
    const json_t *values;
    size_t product = 1;
    if (parameters != NULL && !json_is_object(parameters)) {
        diag_say(d, "parameters", "write {\"limit\": [100, 200, 500]}",
                 "parameters are an object of lists");
        return ERR_INVALID;
    }
    if (json_object_size(parameters) > BACKTESTPARAM_NAMES_MAX) {
        diag_say(d, "parameters", NULL, "there are more than %d parameters",
                 BACKTESTPARAM_NAMES_MAX);
        return ERR_LIMIT;
    }
    json_object_foreach((json_t *)(uintptr_t)parameters, name, values)
    {
        enum err e = check_values(name, values, d);
        if (e != ERR_OK)
            return e;
        product *= json_array_size(values);
        if (product > BACKTESTPARAM_VARIANTS_MAX) {
            diag_say(d, "parameters", "give fewer values, or run several backtests",
                     "the values of all parameters together make more than %d variants",
                     BACKTESTPARAM_VARIANTS_MAX);
            return ERR_LIMIT;
        }
    }
    *n = (unsigned)product;
    return ERR_OK;
}

/* Of that name in that variant; NULL: it is none of them. */
static const json_t *value_of(const json_t *parameters, unsigned variant, const char *of, size_t n)
{
    const char *name;
    const json_t *values;
    size_t after = 1; /* variants that the names behind this one make */
    json_object_foreach((json_t *)(uintptr_t)parameters, name, values) after *=
        json_array_size(values);
    json_object_foreach((json_t *)(uintptr_t)parameters, name, values)
    {
        after /= json_array_size(values);
        if (strlen(name) == n && memcmp(name, of, n) == 0)
            return json_array_get(values, variant / after % json_array_size(values));
    }
    return NULL;
}

static void put_value(const json_t *v, struct bytes *out)
{
    if (json_is_boolean(v)) {
        bytes_printf(out, "%s", json_is_true(v) ? "TRUE" : "FALSE");
    } else if (json_is_string(v)) {
        bytes_u8(out, '\'');
        for (const char *p = json_string_value(v); *p != '\0'; p++) {
            bytes_u8(out, (uint8_t)*p);
            if (*p == '\'')
                bytes_u8(out, '\'');
        }
        bytes_u8(out, '\'');
    } else {
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        /* Behind an operator: "- -5" is a number, "--5" a comment. */
        bytes_printf(out, *text == '-' ? "(%s)" : "%s", text);
        free(text);
    }
}

/* Where a quoted piece or a comment that begins at p ends; p itself: none begins there. */
static const char *past_quoted(const char *p)
{
    if (*p == '\'' || *p == '"') {
        const char *end = strchr(p + 1, *p);
        return end != NULL ? end + 1 : p + strlen(p); /* a doubled quote begins the next piece */
    }
    if (p[0] == '-' && p[1] == '-')
        return p + strcspn(p, "\n");
    if (p[0] == ':' && p[1] == ':')
        return p + 2;
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end != NULL ? end + 2 : p + strlen(p);
    }
    return p;
}

static size_t name_length(const char *p)
{
    size_t n = 0;
    if (!isalpha((unsigned char)*p) && *p != '_')
        return 0;
    while (isalnum((unsigned char)p[n]) || p[n] == '_')
        n++;
    return n;
}

static enum err say_unknown(const char *sql, const char *at, size_t n, struct diag *d)
{
    struct span where = {(unsigned)(at - sql), (unsigned)(at - sql + 1 + (ptrdiff_t)n)};
    d->text = sql;
    d->text_len = strlen(sql);
    diag_error(d, "parameters", where, "name them in \"parameters\"",
               "parameter :%.*s has no values", n < 100 ? (int)n : 100, at + 1);
    return ERR_INVALID;
}

enum err backtestparam_text(const char *sql, const json_t *parameters, unsigned variant,
                            struct diag *d, struct bytes *out)
{
    const char *p = sql;
    char used[BACKTESTPARAM_NAMES_MAX] = {0};
    while (*p != '\0') {
        const char *end = past_quoted(p);
        size_t n = *p == ':' ? name_length(p + 1) : 0;
        if (end > p) {
            bytes_put(out, p, (size_t)(end - p));
            p = end;
        } else if (n > 0) {
            const json_t *v = value_of(parameters, variant, p + 1, n);
            if (v == NULL)
                return say_unknown(sql, p, n, d);
            const char *name;
            const json_t *values;
            unsigned i = 0;
            json_object_foreach((json_t *)(uintptr_t)parameters, name, values)
            {
                used[i] |= strlen(name) == n && memcmp(name, p + 1, n) == 0;
                i++;
            }
            put_value(v, out);
            p += 1 + n;
        } else {
            bytes_u8(out, (uint8_t)*p++);
        }
    }
    bytes_u8(out, '\0');
    const char *name;
    const json_t *values;
    unsigned i = 0;
    json_object_foreach((json_t *)(uintptr_t)parameters, name, values) if (used[i++] == 0)
    {
        diag_say(d, "parameters", "write it in the rule's text, with a colon before it",
                 "the text does not name parameter :%s", name);
        return ERR_INVALID;
    }
    return ERR_OK;
}

void backtestparam_values(const json_t *parameters, unsigned variant, struct bytes *out)
{
    const char *name;
    const json_t *values;
    jsonw_open(out, '{');
    json_object_foreach((json_t *)(uintptr_t)parameters, name, values)
    {
        const json_t *v = value_of(parameters, variant, name, strlen(name));
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        jsonw_key(out, name);
        jsonw_raw(out, text, strlen(text));
        free(text);
    }
    jsonw_close(out, '}');
}
