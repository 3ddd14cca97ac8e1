/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestplan.h"
#include <string.h>
#include <strings.h>

static enum err say_bad(struct diag *d, const char *field, const char *what)
{
    diag_say(d, "bad-field", NULL, "the field '%s' is %s", field, what);
    return ERR_INVALID;
}

static enum err read_text(const json_t *o, const char *field, struct diag *d, const char **out)
{
    const json_t *v = json_object_get(o, field);
    *out = json_string_value(v);
    if (v != NULL && !json_is_null(v) && (*out == NULL || json_string_length(v) != strlen(*out)))
        return say_bad(d, field, "a text");
    return ERR_OK;
}

static enum err read_time(const json_t *o, const char *field, evtime missing, struct diag *d,
                          evtime *out)
{
    const json_t *v = json_object_get(o, field);
    const char *text = json_string_value(v);
    *out = missing;
    if (v == NULL || json_is_null(v))
        return ERR_OK;
    if (json_is_integer(v))
        *out = json_integer_value(v);
    else if (text == NULL || !timebase_parse(text, strlen(text), out))
        return say_bad(d, field, "a time: \"2026-03-01T12:00:00Z\", or milliseconds since 1970");
    if (*out < EVTIME_FIRST || *out > EVTIME_LAST)
        return say_bad(d, field, "a time of the years 1 to 9999");
    return ERR_OK;
}

static enum err read_span(const json_t *o, const char *field, struct diag *d, int64_t *out)
{
    const json_t *v = json_object_get(o, field);
    const char *text = json_string_value(v);
    *out = json_is_integer(v) ? json_integer_value(v) : 0;
    if (v == NULL || json_is_null(v))
        return ERR_OK;
    if ((!json_is_integer(v) &&
         (text == NULL || !timebase_parse_duration(text, strlen(text), out))) ||
        *out < 0 || *out > EVTIME_LAST)
        return say_bad(d, field, "a time span: \"1 h\", or milliseconds");
    return ERR_OK;
}

static enum err read_label(const json_t *o, struct diag *d, struct backtestplan *p)
{
    const json_t *v = json_object_get(o, "label");
    if (v == NULL || json_is_null(v))
        return ERR_OK;
    if (json_is_string(v)) {
        p->label_column = json_string_value(v);
        return ERR_OK;
    }
    const json_t *value = json_object_get(v, "value");
    p->label_column = json_string_value(json_object_get(v, "column"));
    p->label_value = json_string_value(value);
    if (p->label_column == NULL || (value != NULL && p->label_value == NULL))
        return say_bad(d, "label", "a column, or {\"column\": \"status\", \"value\": \"fraud\"}");
    return ERR_OK;
}

static enum err read_streams(const json_t *o, struct diag *d, struct backtestplan *p)
{
    size_t i;
    json_t *v;
    p->streams = json_object_get(o, "streams");
    p->files = json_object_get(o, "files");
    p->streams = json_is_null(p->streams) ? NULL : p->streams;
    p->files = json_is_null(p->files) ? NULL : p->files;
    if (p->streams != NULL && (!json_is_array(p->streams) || json_array_size(p->streams) == 0 ||
                               json_array_size(p->streams) > BACKTESTPLAN_STREAMS_MAX))
        return say_bad(d, "streams", "a list of names of streams, 64 at most");
    json_array_foreach((json_t *)(uintptr_t)p->streams, i,
                       v) if (!json_is_string(v)) return say_bad(d, "streams",
                                                                 "a list of names of streams");
    if (p->files != NULL && (!json_is_array(p->files) || json_array_size(p->files) == 0 ||
                             json_array_size(p->files) > BACKTESTPLAN_FILES_MAX))
        return say_bad(d, "files", "a list of {\"stream\": …, \"path\": …}, 64 at most");
    json_array_foreach((json_t *)(uintptr_t)p->files, i,
                       v) if (json_string_value(json_object_get(v, "stream")) == NULL ||
                              json_string_value(json_object_get(v, "path")) ==
                                  NULL) return say_bad(d, "files",
                                                       "a list of {\"stream\": …, \"path\": …}");
    return ERR_OK;
}

static enum err read_segments(const json_t *o, struct diag *d, struct backtestplan *p)
{
    static const char *const what = "a list of one to three different columns of the rule's SELECT";
    size_t i, k;
    json_t *v, *other;
    p->segments = json_object_get(o, "segments");
    p->segments = json_is_null(p->segments) ? NULL : p->segments;
    if (p->segments != NULL && (!json_is_array(p->segments) || json_array_size(p->segments) == 0 ||
                                json_array_size(p->segments) > BACKTESTPLAN_SEGMENTS_MAX))
        return say_bad(d, "segments", what);
    json_array_foreach((json_t *)(uintptr_t)p->segments, i, v)
    {
        if (!json_is_string(v))
            return say_bad(d, "segments", what);
        json_array_foreach((json_t *)(uintptr_t)p->segments, k,
                           other) if (k < i &&
                                      strcasecmp(json_string_value(v), json_string_value(other)) ==
                                          0) return say_bad(d, "segments", what);
    }
    return ERR_OK;
}

/* A savepoint has the state of one rule, and a time. */
static enum err read_start(const json_t *o, struct diag *d, struct backtestplan *p)
{
    enum err e = read_text(o, "start", d, &p->start);
    p->savepoint = json_string_value(json_object_get(o, "savepoint"));
    if (e != ERR_OK || p->start == NULL || strcmp(p->start, "empty") == 0)
        return e;
    if (p->name == NULL)
        return say_bad(d, "start", "a savepoint only where 'rule' names a rule that it knows");
    if (p->files != NULL || p->streams != NULL || p->warm_up_ms > 0)
        return say_bad(d, "start", "a savepoint only without 'files', 'streams' and 'warm_up'");
    return ERR_OK;
}

static uint64_t number(const json_t *o, const char *field)
{
    json_int_t v = json_integer_value(json_object_get(o, field));
    return v > 0 ? (uint64_t)v : 0;
}

enum err backtestplan_read(json_t *json, struct diag *d, struct backtestplan *p)
{
    *p = (struct backtestplan){.json = json};
    enum err e = read_text(json, "rule", d, &p->name);
    if (e == ERR_OK)
        e = read_text(json, "sql", d, &p->sql);
    if (e == ERR_OK)
        e = read_text(json, "baseline_sql", d, &p->baseline_sql);
    if (e == ERR_OK)
        e = read_text(json, "sum", d, &p->sum);
    if (e == ERR_OK)
        e = read_time(json, "from", EVTIME_MIN, d, &p->from);
    if (e == ERR_OK)
        e = read_time(json, "to", EVTIME_MAX, d, &p->to);
    if (e == ERR_OK)
        e = read_span(json, "warm_up", d, &p->warm_up_ms);
    if (e == ERR_OK)
        e = read_label(json, d, p);
    if (e == ERR_OK)
        e = read_streams(json, d, p);
    if (e == ERR_OK)
        e = read_segments(json, d, p);
    if (e == ERR_OK)
        e = read_start(json, d, p);
    if (e == ERR_OK && p->from >= p->to)
        e = say_bad(d, "to", "a time after 'from'");
    const json_t *v = json_object_get(json, "parameters");
    p->parameters = json_is_null(v) ? NULL : v;
    p->uid = number(json, "uid");
    p->version = (uint32_t)number(json, "version");
    p->baseline_version = (uint32_t)number(json, "baseline_version");
    p->memory_bytes = number(json, "memory_bytes");
    p->max_alerts = number(json, "max_alerts");
    p->max_labels = number(json, "max_labels");
    p->max_partials_per_key = number(json, "max_partials_per_key");
    p->max_rows_per_key = number(json, "max_rows_per_key");
    return e;
}

void backtestplan_fini(struct backtestplan *p)
{
    json_decref(p->json);
    *p = (struct backtestplan){0};
}

json_t *backtestplan_request(const struct backtestplan *p)
{
    static const char *const shown[] = {"rule",     "version", "sql",     "baseline_version",
                                        "from",     "to",      "warm_up", "parameters",
                                        "streams",  "files",   "label",   "sum",
                                        "segments", "start"};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        json_t *v = json_object_get(p->json, shown[i]);
        if (v != NULL)
            json_object_set(out, shown[i], v);
    }
    return out;
}
