/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/options.h"
#include "base/timebase.h"
#include "rules/names.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum option_kind {
    KIND_TEXT,
    KIND_DURATION,
    KIND_NUMBER,
    KIND_COUNT,
    KIND_AMOUNT, /* may be zero */
    KIND_WORD,
    KIND_TRIGGER,
    KIND_EVICTOR
};

enum option_id {
    ID_NONE,
    ID_CONNECTOR,
    ID_TIME,
    ID_PARTITIONS,
    ID_IDLE,
    ID_AHEAD,
    ID_ALIGNMENT,
    ID_POISON,
    ID_SEVERITY,
    ID_MODE,
    ID_COOLDOWN,
    ID_TITLE,
    ID_DESCRIPTION,
    ID_LATENESS,
    ID_MAX_PARTIALS,
    ID_MAX_ROWS,
    ID_ON_LIMIT,
    ID_TTL,
    ID_TIMEOUT,
    ID_CAPACITY,
    ID_BATCH,
    ID_CONNECTIONS,
    ID_RETRIES,
    ID_RETRY_DELAY,
    ID_CACHE_ROWS,
    ID_CACHE_TTL,
    ID_CACHE_MISSING,
    ID_OUTPUT,
    ID_ON_ERROR,
};

struct option_spec {
    const char *name;
    enum option_kind kind;
    enum option_id id;
    const char *words; /* WORD: "low|medium|high" */
    const char *done; /* the only value that this release does; NULL: all; "": none */
    bool window; /* of window rules only */
};

static const struct option_spec stream_options[] = {
    {"connector", KIND_WORD, ID_CONNECTOR, "http|file|generator|inline|kafka|socket", NULL, false},
    {"time", KIND_WORD, ID_TIME, "event|ingestion|processing", NULL, false},
    {"partitions", KIND_NUMBER, ID_PARTITIONS, NULL, NULL, false},
    {"idle-timeout", KIND_DURATION, ID_IDLE, NULL, NULL, false},
    {"max-ahead", KIND_DURATION, ID_AHEAD, NULL, NULL, false},
    {"event-id", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"dedup-window", KIND_DURATION, ID_NONE, NULL, NULL, false},
    {"watermark-alignment", KIND_DURATION, ID_ALIGNMENT, NULL, NULL, false},
    {"poison", KIND_WORD, ID_POISON, "fail|skip", NULL, false},
    {"path", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"follow", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"format", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"rate", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"rows", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"seed", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"topic", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"bootstrap.servers", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"group.id", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"retention", KIND_TEXT, ID_NONE, NULL, NULL, false},
};

static const struct option_spec rule_options[] = {
    {"severity", KIND_WORD, ID_SEVERITY, "low|medium|high|critical", NULL, false},
    {"mode", KIND_WORD, ID_MODE, "active|shadow|paused", NULL, false},
    {"cooldown", KIND_DURATION, ID_COOLDOWN, NULL, NULL, false},
    {"title", KIND_TEXT, ID_TITLE, NULL, NULL, false},
    {"description", KIND_TEXT, ID_DESCRIPTION, NULL, NULL, false},
    {"allowed-lateness", KIND_DURATION, ID_LATENESS, NULL, NULL, true},
    {"trigger", KIND_TRIGGER, ID_NONE, NULL, NULL, true},
    {"purge", KIND_WORD, ID_NONE, "true|false", NULL, true},
    {"evictor", KIND_EVICTOR, ID_NONE, NULL, NULL, true},
    {"max-partials-per-key", KIND_COUNT, ID_MAX_PARTIALS, NULL, NULL, false},
    {"max-rows-per-key", KIND_COUNT, ID_MAX_ROWS, NULL, NULL, false},
    {"on-limit", KIND_WORD, ID_ON_LIMIT, "drop-oldest|drop-newest|drop-key", NULL, false},
    {"order", KIND_WORD, ID_NONE, "time|arrival", "time", false},
    {"state-ttl", KIND_DURATION, ID_TTL, NULL, NULL, false},
    {"slot-group", KIND_TEXT, ID_NONE, NULL, "", false},
    {"two-phase", KIND_WORD, ID_NONE, "auto|true|false", NULL, true},
};
static const struct option_spec table_options[] = {
    {"connector", KIND_WORD, ID_CONNECTOR, "sqlite|postgres", NULL, false},
    {"table", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"path", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"url", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"url-env", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"url-file", KIND_TEXT, ID_NONE, NULL, NULL, false},
    {"timeout", KIND_DURATION, ID_TIMEOUT, NULL, NULL, false},
    {"capacity", KIND_COUNT, ID_CAPACITY, NULL, NULL, false},
    {"batch", KIND_COUNT, ID_BATCH, NULL, NULL, false},
    {"connections", KIND_COUNT, ID_CONNECTIONS, NULL, NULL, false},
    {"retries", KIND_AMOUNT, ID_RETRIES, NULL, NULL, false},
    {"retry-delay", KIND_DURATION, ID_RETRY_DELAY, NULL, NULL, false},
    {"cache-rows", KIND_AMOUNT, ID_CACHE_ROWS, NULL, NULL, false},
    {"cache-ttl", KIND_DURATION, ID_CACHE_TTL, NULL, NULL, false},
    {"cache-missing", KIND_WORD, ID_CACHE_MISSING, "true|false", NULL, false},
    {"output", KIND_WORD, ID_OUTPUT, "ordered|unordered", NULL, false},
    {"on-error", KIND_WORD, ID_ON_ERROR, "dead-letter|null|fail", NULL, false},
};
enum {
    TABLE_OPTIONS = sizeof table_options / sizeof *table_options,
    STREAM_OPTIONS = sizeof stream_options / sizeof *stream_options,
    RULE_OPTIONS = sizeof rule_options / sizeof *rule_options,
    OPTIONS_MAX = 64,
    COUNT_MAX = 10000000,
    MAX_AHEAD_MS = 24 * 60 * 60 * 1000 /* of live connectors, if nothing is said */
};

/* The text between the quotes, those doubled undone. */
static const char *text_of(struct cc *cc, struct token t)
{
    struct ast a = {.arena = cc->arena};
    return ast_unquote(&a, t, NULL);
}

struct parsed { /* one option, checked */
    const struct option_spec *spec;
    const char *value;
    int64_t number; /* DURATION in ms, NUMBER */
    struct span at; /* of the value */
};

/* --- values ----------------------------------------------------------------------------------- */

static bool is_word(const char *words, const char *value)
{
    size_t n = strlen(value);
    for (const char *w = words; w != NULL; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
        if (n > 0 && strncmp(w, value, n) == 0 && (w[n] == '|' || w[n] == '\0'))
            return true;
    return false;
}

static bool is_count(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);
    return *s >= '0' && *s <= '9' && *end == '\0' && n > 0 && n <= INT_MAX;
}

static bool is_amount(const char *s)
{
    return strcmp(s, "0") == 0 || is_count(s);
}

static bool is_duration(const char *s, int64_t *ms)
{
    return timebase_parse_duration(s, strlen(s), ms) && *ms >= 0;
}

/* event-time | processing-time | count N | continuous 10 s | punctuated */
static bool is_trigger(const char *s)
{
    int64_t ms;
    if (strncmp(s, "count ", 6) == 0)
        return is_count(s + 6);
    if (strncmp(s, "continuous ", 11) == 0)
        return is_duration(s + 11, &ms) && ms > 0;
    return is_word("event-time|processing-time|punctuated", s);
}

/* count N | time 10 s, each with `after` perhaps */
static bool is_evictor(struct cc *cc, const char *s)
{
    int64_t ms;
    size_t n = strlen(s);
    if (n > 6 && strcmp(s + n - 6, " after") == 0)
        s = arena_dup(cc->arena, s, n - 6);
    if (strncmp(s, "count ", 6) == 0)
        return is_count(s + 6);
    return strncmp(s, "time ", 5) == 0 && is_duration(s + 5, &ms) && ms > 0;
}

static const char *wanted(struct cc *cc, const struct option_spec *o)
{
    switch (o->kind) {
    case KIND_COUNT:
        return arena_printf(cc->arena, "a number from 1 to %d", COUNT_MAX);
    case KIND_AMOUNT:
        return arena_printf(cc->arena, "a number from 0 to %d", COUNT_MAX);
    case KIND_DURATION:
        return "a duration like 10 min, 30 s, 250 ms";
    case KIND_NUMBER:
        return arena_printf(cc->arena, "a number from 1 to %d", SCHEMA_PARTITIONS_MAX);
    case KIND_TRIGGER:
        return "event-time, processing-time, count N, continuous 10 s or punctuated";
    case KIND_EVICTOR:
        return "count N or time 10 s, either with `after`";
    default:
        break;
    }
    char *list = arena_str(cc->arena, o->words != NULL ? o->words : "a text");
    for (char *p = list; *p != '\0'; p++)
        if (*p == '|')
            *p = '/';
    return list;
}

static bool check_value(struct cc *cc, struct parsed *p)
{
    bool good = true;
    switch (p->spec->kind) {
    case KIND_DURATION:
        good = is_duration(p->value, &p->number);
        break;
    case KIND_NUMBER:
        good = is_count(p->value) && atoi(p->value) <= SCHEMA_PARTITIONS_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case KIND_COUNT:
        good = is_count(p->value) && atoi(p->value) <= COUNT_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case KIND_AMOUNT:
        good = is_amount(p->value) && atoi(p->value) <= COUNT_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case KIND_WORD:
        good = is_word(p->spec->words, p->value);
        break;
    case KIND_TRIGGER:
        good = is_trigger(p->value);
        break;
    case KIND_EVICTOR:
        good = is_evictor(cc, p->value);
        break;
    case KIND_TEXT:
        break;
    }
    if (!good)
        diag_error(cc->d, "option", p->at, NULL, "'%s' is %s, not '%s'", p->spec->name,
                   wanted(cc, p->spec), p->value);
    else if (p->spec->done != NULL && strcmp(p->spec->done, p->value) != 0)
        diag_error(cc->d, "unsupported", p->at, NULL,
                   "'%s'='%s': this release does not do that yet", p->spec->name, p->value);
    else
        return true;
    return false;
}

/* --- lists ------------------------------------------------------------------------------------ */

static const struct option_spec *find(const struct option_spec *specs, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

static void say_unknown(struct cc *cc, const struct option_spec *specs, unsigned n,
                        const char *name, struct span at, bool is_stream)
{
    const char *names[OPTIONS_MAX];
    for (unsigned i = 0; i < n; i++)
        names[i] = specs[i].name;
    const char *hint = names_hint(cc, name, names, n);
    if (hint == NULL && is_stream) /* a connector may have options of its own */
        diag_warn(cc->d, "option", at, NULL, "option '%s' is not known, and has no effect", name);
    else
        diag_error(cc->d, "option", at, hint, "no option '%s'", name);
}

/* Reads the list; *out holds what was right, and all of it as text goes to *options. Returns how many are in *out. */
static unsigned read_list(struct cc *cc, const struct ast_option *list,
                          const struct option_spec *specs, unsigned nspecs, bool is_stream,
                          struct parsed *out, const struct option **options, unsigned *noptions)
{
    unsigned n = 0, count = 0, given = 1;
    for (const struct ast_option *o = list; o != NULL; o = o->next)
        given++;
    struct option *all =
        arena_alloc(cc->arena, (given < OPTIONS_MAX ? given : OPTIONS_MAX) * sizeof *all);
    for (const struct ast_option *o = list; o != NULL; o = o->next) {
        const char *name = text_of(cc, o->name);
        bool twice = false;
        for (unsigned i = 0; i < count; i++)
            twice = twice || strcmp(all[i].name, name) == 0;
        if (twice || count == OPTIONS_MAX) {
            diag_error(cc->d, "option", o->name.at, NULL,
                       twice ? "option '%s' is there twice" : "option '%s' is one too many", name);
            continue;
        }
        struct parsed p = {find(specs, nspecs, name), text_of(cc, o->value), 0, o->value.at};
        all[count++] = (struct option){name, p.value};
        if (p.spec != NULL) {
            if (check_value(cc, &p))
                out[n++] = p;
        } else if (!is_stream || strncmp(name, "properties.", 11) != 0) {
            say_unknown(cc, specs, nspecs, name, o->name.at, is_stream);
        }
    }
    *options = all;
    *noptions = count;
    return n;
}

void options_stream(struct cc *cc, const struct ast_option *list, struct schema *s)
{
    struct parsed p[OPTIONS_MAX];
    unsigned n =
        read_list(cc, list, stream_options, STREAM_OPTIONS, true, p, &s->options, &s->noptions);
    s->connector = "http";
    s->partitions = 1;
    s->max_ahead_ms = -1;
    for (unsigned i = 0; i < n; i++)
        switch (p[i].spec->id) {
        case ID_CONNECTOR:
            s->connector = p[i].value;
            break;
        case ID_TIME:
            s->time = p[i].value[0] == 'e'   ? TIME_EVENT
                      : p[i].value[0] == 'i' ? TIME_INGESTION
                                             : TIME_PROCESSING;
            break;
        case ID_PARTITIONS:
            s->partitions = (unsigned)p[i].number;
            break;
        case ID_IDLE:
            s->idle_timeout_ms = p[i].number;
            break;
        case ID_AHEAD:
            s->max_ahead_ms = p[i].number;
            break;
        case ID_POISON:
            s->poison_skip = p[i].value[0] == 's';
            break;
        case ID_ALIGNMENT:
            s->alignment_ms = p[i].number;
            break;
        default:
            break;
        }
    bool live = strcmp(s->connector, "file") != 0 && strcmp(s->connector, "inline") != 0;
    if (s->max_ahead_ms < 0)
        s->max_ahead_ms = live ? MAX_AHEAD_MS : 0;
    for (unsigned i = 0; i < n; i++)
        if (p[i].spec->id == ID_TIME && s->time != TIME_EVENT && !live)
            diag_error(cc->d, "option", p[i].at, NULL,
                       "a %s does not tell when an event arrived: its streams have event time",
                       s->connector);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void set_table(struct table *t, const struct parsed *p)
{
    switch (p->spec->id) {
    case ID_TIMEOUT:
        t->timeout_ms = p->number;
        break;
    case ID_CAPACITY:
        t->capacity = (unsigned)p->number;
        break;
    case ID_BATCH:
        t->batch = (unsigned)p->number;
        break;
    case ID_CONNECTIONS:
        t->connections = (unsigned)p->number;
        break;
    case ID_RETRIES:
        t->retries = (unsigned)p->number;
        break;
    case ID_RETRY_DELAY:
        t->retry_delay_ms = p->number;
        break;
    case ID_CACHE_ROWS:
        t->cache_rows = (unsigned)p->number;
        break;
    case ID_CACHE_TTL:
        t->cache_ttl_ms = p->number;
        break;
    case ID_CACHE_MISSING:
        t->cache_missing = p->value[0] == 't';
        break;
    case ID_OUTPUT:
        t->unordered = p->value[0] == 'u';
        break;
    case ID_ON_ERROR:
        t->on_error = p->value[0] == 'd'   ? TABLE_DEAD_LETTER
                      : p->value[0] == 'n' ? TABLE_NULL
                                           : TABLE_FAIL;
        break;
    default:
        break;
    }
}

static void say_least(struct cc *cc, const struct parsed *p)
{
    const char *why = NULL;
    if ((p->spec->id == ID_TIMEOUT || p->spec->id == ID_CACHE_TTL) && p->number == 0)
        why = "a duration longer than 0";
    else if (p->spec->id == ID_BATCH && p->number > TABLE_BATCH_MAX)
        why = arena_printf(cc->arena, "at most %d", TABLE_BATCH_MAX);
    else if (p->spec->id == ID_CONNECTIONS && p->number > TABLE_CONNECTIONS_MAX)
        why = arena_printf(cc->arena, "at most %d", TABLE_CONNECTIONS_MAX);
    if (why != NULL)
        diag_error(cc->d, "option", p->at, NULL, "'%s' is %s, not '%s'", p->spec->name, why,
                   p->value);
}

void options_table(struct cc *cc, const struct ast_option *list, struct span at, struct schema *s,
                   struct table *t)
{
    struct parsed p[OPTIONS_MAX];
    unsigned n =
        read_list(cc, list, table_options, TABLE_OPTIONS, false, p, &s->options, &s->noptions);
    *t = (struct table){.capacity = 1000,
                        .batch = 100,
                        .connections = 2,
                        .timeout_ms = 3000,
                        .retries = 2,
                        .retry_delay_ms = 100,
                        .cache_rows = 10000,
                        .cache_ttl_ms = 60000,
                        .cache_missing = true};
    for (unsigned i = 0; i < n; i++) {
        if (p[i].spec->id == ID_CONNECTOR)
            s->connector = p[i].value;
        say_least(cc, &p[i]);
        set_table(t, &p[i]);
    }
    if (s->connector == NULL && schema_option(s, "connector") == NULL)
        diag_error(cc->d, "option", at, "WITH ('connector'='sqlite', 'path'='customers.db')",
                   "table %s does not say where it is: 'connector' is missing", s->name);
}

/* --- rules ------------------------------------------------------------------------------------ */

static void set_rule(struct rule_plan *r, const struct parsed *p, int64_t *lateness_ms)
{
    switch (p->spec->id) {
    case ID_SEVERITY:
        r->severity = p->value;
        break;
    case ID_MODE:
        r->mode = p->value[0] == 'a' ? RULE_ACTIVE : p->value[0] == 's' ? RULE_SHADOW : RULE_PAUSED;
        break;
    case ID_COOLDOWN:
        r->cooldown_ms = p->number;
        break;
    case ID_TITLE:
        r->title = p->value;
        break;
    case ID_DESCRIPTION:
        r->description = p->value;
        break;
    case ID_LATENESS:
        *lateness_ms = p->number;
        break;
    case ID_MAX_PARTIALS:
        r->limits.partials = (uint32_t)p->number;
        break;
    case ID_MAX_ROWS:
        r->limits.rows = (uint32_t)p->number;
        break;
    case ID_ON_LIMIT:
        r->limits.drop = p->value[5] == 'o'   ? LIMIT_DROP_OLDEST
                         : p->value[5] == 'n' ? LIMIT_DROP_NEWEST
                                              : LIMIT_DROP_KEY;
        break;
    case ID_TTL:
        r->state_ttl_ms = p->number;
        break;
    default:
        break;
    }
}

void options_rule(struct cc *cc, const struct ast_option *list, struct rule_plan *r, bool is_window,
                  int64_t *lateness_ms)
{
    struct parsed p[OPTIONS_MAX];
    unsigned n =
        read_list(cc, list, rule_options, RULE_OPTIONS, false, p, &r->options, &r->noptions);
    r->severity = "medium";
    for (unsigned i = 0; i < n; i++) {
        if (p[i].spec->window && !is_window)
            diag_error(cc->d, "option", p[i].at, NULL, "'%s' belongs to rules with a window",
                       p[i].spec->name);
        set_rule(r, &p[i], lateness_ms);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

void options_check_limits(struct cc *cc, const struct ast_option *list, const struct rule_plan *p)
{
    bool pattern = p->shape == RULE_MATCH;
    for (const struct ast_option *o = list; o != NULL; o = o->next) {
        const struct option_spec *s = find(rule_options, RULE_OPTIONS, text_of(cc, o->name));
        if (s == NULL)
            continue;
        if ((s->id == ID_MAX_PARTIALS || s->id == ID_ON_LIMIT) && !pattern)
            diag_error(cc->d, "option", o->name.at, NULL, "'%s' belongs to patterns", s->name);
        if (s->id == ID_MAX_ROWS && !pattern && p->shape != RULE_OVER && p->shape != RULE_JOIN)
            diag_error(cc->d, "option", o->name.at, NULL,
                       "'%s' belongs to patterns, OVER and joins, which keep rows", s->name);
    }
}

/* --- titles ----------------------------------------------------------------------------------- */

static bool has_output(const struct rule_plan *p, const char *name)
{
    for (unsigned i = 0; i < p->noutputs; i++)
        if (strcasecmp(p->outputs[i].name, name) == 0)
            return true;
    return false;
}

static void check_placeholders(struct cc *cc, const char *title, struct span at,
                               const struct rule_plan *p)
{
    for (const char *open = strchr(title, '{'); open != NULL; open = strchr(open + 1, '{')) {
        const char *close = strchr(open, '}');
        if (close == NULL) {
            diag_error(cc->d, "option", at, NULL, "the { in the title has no }");
            return;
        }
        const char *name = arena_dup(cc->arena, open + 1, (size_t)(close - open - 1));
        if (has_output(p, name))
            continue;
        const char *names[PLAN_OUTPUTS_MAX];
        for (unsigned i = 0; i < p->noutputs; i++)
            names[i] = p->outputs[i].name;
        diag_error(cc->d, "unknown-column", at, names_hint(cc, name, names, p->noutputs),
                   "the title names {%s}, which is no column of the result", name);
    }
}

void options_check_title(struct cc *cc, const struct ast_option *list, const struct rule_plan *p)
{
    for (const struct ast_option *o = list; o != NULL; o = o->next)
        if (p->title != NULL && strcmp(text_of(cc, o->name), "title") == 0)
            check_placeholders(cc, p->title, o->value.at, p);
}
