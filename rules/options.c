/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/options.h"
#include "base/timebase.h"
#include "rules/names.h"
#include "rules/optionread.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct optionread_spec stream_options[] = {
    {"connector", OPTIONREAD_WORD, OPTIONREAD_ID_CONNECTOR,
     "http|file|generator|inline|kafka|socket", NULL, false},
    {"time", OPTIONREAD_WORD, OPTIONREAD_ID_TIME, "event|ingestion|processing", NULL, false},
    {"partitions", OPTIONREAD_NUMBER, OPTIONREAD_ID_PARTITIONS, NULL, NULL, false},
    {"idle-timeout", OPTIONREAD_DURATION, OPTIONREAD_ID_IDLE, NULL, NULL, false},
    {"max-ahead", OPTIONREAD_DURATION, OPTIONREAD_ID_AHEAD, NULL, NULL, false},
    {"event-id", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"dedup-window", OPTIONREAD_DURATION, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"watermark-alignment", OPTIONREAD_DURATION, OPTIONREAD_ID_ALIGNMENT, NULL, NULL, false},
    {"poison", OPTIONREAD_WORD, OPTIONREAD_ID_POISON, "fail|skip", NULL, false},
    {"path", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"follow", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"format", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"rate", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"rows", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"seed", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"topic", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"bootstrap.servers", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"group.id", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"retention", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
};

static const struct optionread_spec rule_options[] = {
    {"severity", OPTIONREAD_WORD, OPTIONREAD_ID_SEVERITY, "low|medium|high|critical", NULL, false},
    {"mode", OPTIONREAD_WORD, OPTIONREAD_ID_MODE, "active|shadow|paused", NULL, false},
    {"cooldown", OPTIONREAD_DURATION, OPTIONREAD_ID_COOLDOWN, NULL, NULL, false},
    {"title", OPTIONREAD_TEXT, OPTIONREAD_ID_TITLE, NULL, NULL, false},
    {"description", OPTIONREAD_TEXT, OPTIONREAD_ID_DESCRIPTION, NULL, NULL, false},
    {"allowed-lateness", OPTIONREAD_DURATION, OPTIONREAD_ID_LATENESS, NULL, NULL, true},
    {"trigger", OPTIONREAD_TRIGGER, OPTIONREAD_ID_NONE, NULL, NULL, true},
    {"purge", OPTIONREAD_WORD, OPTIONREAD_ID_NONE, "true|false", NULL, true},
    {"evictor", OPTIONREAD_EVICTOR, OPTIONREAD_ID_NONE, NULL, NULL, true},
    {"max-partials-per-key", OPTIONREAD_COUNT, OPTIONREAD_ID_MAX_PARTIALS, NULL, NULL, false},
    {"max-rows-per-key", OPTIONREAD_COUNT, OPTIONREAD_ID_MAX_ROWS, NULL, NULL, false},
    {"on-limit", OPTIONREAD_WORD, OPTIONREAD_ID_ON_LIMIT, "drop-oldest|drop-newest|drop-key", NULL,
     false},
    {"order", OPTIONREAD_WORD, OPTIONREAD_ID_NONE, "time|arrival", "time", false},
    {"state-ttl", OPTIONREAD_DURATION, OPTIONREAD_ID_TTL, NULL, NULL, false},
    {"slot-group", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, "", false},
    {"two-phase", OPTIONREAD_WORD, OPTIONREAD_ID_NONE, "auto|true|false", NULL, true},
};
static const struct optionread_spec table_options[] = {
    {"connector", OPTIONREAD_WORD, OPTIONREAD_ID_CONNECTOR, "sqlite|postgres", NULL, false},
    {"table", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"path", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"url", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"url-env", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"url-file", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, NULL, false},
    {"timeout", OPTIONREAD_DURATION, OPTIONREAD_ID_TIMEOUT, NULL, NULL, false},
    {"capacity", OPTIONREAD_COUNT, OPTIONREAD_ID_CAPACITY, NULL, NULL, false},
    {"batch", OPTIONREAD_COUNT, OPTIONREAD_ID_BATCH, NULL, NULL, false},
    {"connections", OPTIONREAD_COUNT, OPTIONREAD_ID_CONNECTIONS, NULL, NULL, false},
    {"retries", OPTIONREAD_AMOUNT, OPTIONREAD_ID_RETRIES, NULL, NULL, false},
    {"retry-delay", OPTIONREAD_DURATION, OPTIONREAD_ID_RETRY_DELAY, NULL, NULL, false},
    {"cache-rows", OPTIONREAD_AMOUNT, OPTIONREAD_ID_CACHE_ROWS, NULL, NULL, false},
    {"cache-ttl", OPTIONREAD_DURATION, OPTIONREAD_ID_CACHE_TTL, NULL, NULL, false},
    {"cache-missing", OPTIONREAD_WORD, OPTIONREAD_ID_CACHE_MISSING, "true|false", NULL, false},
    {"output", OPTIONREAD_WORD, OPTIONREAD_ID_OUTPUT, "ordered|unordered", NULL, false},
    {"on-error", OPTIONREAD_WORD, OPTIONREAD_ID_ON_ERROR, "dead-letter|null|fail", NULL, false},
};
static const struct optionread_spec sink_options[] = {
    {"connector", OPTIONREAD_WORD, OPTIONREAD_ID_CONNECTOR, "file|kafka|webhook", "file", false},
    {"path", OPTIONREAD_TEXT, OPTIONREAD_ID_PATH, NULL, NULL, false},
    {"format", OPTIONREAD_WORD, OPTIONREAD_ID_NONE, "json", NULL, false},
    {"roll-size", OPTIONREAD_SIZE, OPTIONREAD_ID_ROLL_SIZE, NULL, NULL, false},
    {"roll-interval", OPTIONREAD_DURATION, OPTIONREAD_ID_ROLL_INTERVAL, NULL, NULL, false},
    {"url", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, "", false},
    {"secret", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, "", false},
    {"topic", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, "", false},
    {"bootstrap.servers", OPTIONREAD_TEXT, OPTIONREAD_ID_NONE, NULL, "", false},
};
enum {
    SINK_OPTIONS = sizeof sink_options / sizeof *sink_options,
    TABLE_OPTIONS = sizeof table_options / sizeof *table_options,
    STREAM_OPTIONS = sizeof stream_options / sizeof *stream_options,
    RULE_OPTIONS = sizeof rule_options / sizeof *rule_options,
    MAX_AHEAD_MS = 24 * 60 * 60 * 1000 /* of live connectors, if nothing is said */
};

void options_stream(struct cc *cc, const struct ast_option *list, struct schema *s)
{
    struct optionread p[OPTIONREAD_MAX];
    unsigned n = optionread_list(cc, list, stream_options, STREAM_OPTIONS, true, p, &s->options,
                                 &s->noptions);
    s->connector = "http";
    s->partitions = 1;
    s->max_ahead_ms = -1;
    for (unsigned i = 0; i < n; i++)
        switch (p[i].spec->id) {
        case OPTIONREAD_ID_CONNECTOR:
            s->connector = p[i].value;
            break;
        case OPTIONREAD_ID_TIME:
            s->time = p[i].value[0] == 'e'   ? TIME_EVENT
                      : p[i].value[0] == 'i' ? TIME_INGESTION
                                             : TIME_PROCESSING;
            break;
        case OPTIONREAD_ID_PARTITIONS:
            s->partitions = (unsigned)p[i].number;
            break;
        case OPTIONREAD_ID_IDLE:
            s->idle_timeout_ms = p[i].number;
            break;
        case OPTIONREAD_ID_AHEAD:
            s->max_ahead_ms = p[i].number;
            break;
        case OPTIONREAD_ID_POISON:
            s->poison_skip = p[i].value[0] == 's';
            break;
        case OPTIONREAD_ID_ALIGNMENT:
            s->alignment_ms = p[i].number;
            break;
        default:
            break;
        }
    bool live = strcmp(s->connector, "file") != 0 && strcmp(s->connector, "inline") != 0;
    if (s->max_ahead_ms < 0)
        s->max_ahead_ms = live ? MAX_AHEAD_MS : 0;
    for (unsigned i = 0; i < n; i++)
        if (p[i].spec->id == OPTIONREAD_ID_TIME && s->time != TIME_EVENT && !live)
            diag_error(cc->d, "option", p[i].at, NULL,
                       "a %s does not tell when an event arrived: its streams have event time",
                       s->connector);
}

/* --- tables ----------------------------------------------------------------------------------- */

static void set_table(struct table *t, const struct optionread *p)
{
    switch (p->spec->id) {
    case OPTIONREAD_ID_TIMEOUT:
        t->timeout_ms = p->number;
        break;
    case OPTIONREAD_ID_CAPACITY:
        t->capacity = (unsigned)p->number;
        break;
    case OPTIONREAD_ID_BATCH:
        t->batch = (unsigned)p->number;
        break;
    case OPTIONREAD_ID_CONNECTIONS:
        t->connections = (unsigned)p->number;
        break;
    case OPTIONREAD_ID_RETRIES:
        t->retries = (unsigned)p->number;
        break;
    case OPTIONREAD_ID_RETRY_DELAY:
        t->retry_delay_ms = p->number;
        break;
    case OPTIONREAD_ID_CACHE_ROWS:
        t->cache_rows = (unsigned)p->number;
        break;
    case OPTIONREAD_ID_CACHE_TTL:
        t->cache_ttl_ms = p->number;
        break;
    case OPTIONREAD_ID_CACHE_MISSING:
        t->cache_missing = p->value[0] == 't';
        break;
    case OPTIONREAD_ID_OUTPUT:
        t->unordered = p->value[0] == 'u';
        break;
    case OPTIONREAD_ID_ON_ERROR:
        t->on_error = p->value[0] == 'd'   ? TABLE_DEAD_LETTER
                      : p->value[0] == 'n' ? TABLE_NULL
                                           : TABLE_FAIL;
        break;
    default:
        break;
    }
}

static void say_least(struct cc *cc, const struct optionread *p)
{
    const char *why = NULL;
    if ((p->spec->id == OPTIONREAD_ID_TIMEOUT || p->spec->id == OPTIONREAD_ID_CACHE_TTL) &&
        p->number == 0)
        why = "a duration longer than 0";
    else if (p->spec->id == OPTIONREAD_ID_BATCH && p->number > TABLE_BATCH_MAX)
        why = arena_printf(cc->arena, "at most %d", TABLE_BATCH_MAX);
    else if (p->spec->id == OPTIONREAD_ID_CONNECTIONS && p->number > TABLE_CONNECTIONS_MAX)
        why = arena_printf(cc->arena, "at most %d", TABLE_CONNECTIONS_MAX);
    if (why != NULL)
        diag_error(cc->d, "option", p->at, NULL, "'%s' is %s, not '%s'", p->spec->name, why,
                   p->value);
}

void options_table(struct cc *cc, const struct ast_option *list, struct span at, struct schema *s,
                   struct table *t)
{
    struct optionread p[OPTIONREAD_MAX];
    unsigned n = optionread_list(cc, list, table_options, TABLE_OPTIONS, false, p, &s->options,
                                 &s->noptions);
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
        if (p[i].spec->id == OPTIONREAD_ID_CONNECTOR)
            s->connector = p[i].value;
        say_least(cc, &p[i]);
        set_table(t, &p[i]);
    }
    if (s->connector == NULL && schema_option(s, "connector") == NULL)
        diag_error(cc->d, "option", at, "WITH ('connector'='sqlite', 'path'='customers.db')",
                   "table %s does not say where it is: 'connector' is missing", s->name);
}

/* --- sinks ------------------------------------------------------------------------------------ */

void options_sink(struct cc *cc, const struct ast_option *list, struct span at, struct sink *s)
{
    struct optionread p[OPTIONREAD_MAX];
    const struct option *all = NULL;
    unsigned nall = 0,
             n = optionread_list(cc, list, sink_options, SINK_OPTIONS, false, p, &all, &nall);
    s->roll_bytes = SINK_ROLL_BYTES;
    for (unsigned i = 0; i < n; i++) {
        const struct optionread *o = &p[i];
        if (o->spec->id == OPTIONREAD_ID_CONNECTOR)
            s->connector = o->value;
        else if (o->spec->id == OPTIONREAD_ID_PATH)
            s->path = o->value;
        else if (o->spec->id == OPTIONREAD_ID_ROLL_INTERVAL)
            s->roll_interval_ms = o->number;
        else if (o->spec->id == OPTIONREAD_ID_ROLL_SIZE && o->number < SINK_ROLL_LEAST)
            diag_error(cc->d, "option", o->at, NULL, "'roll-size' is at least %d KiB, not '%s'",
                       SINK_ROLL_LEAST >> 10, o->value);
        else if (o->spec->id == OPTIONREAD_ID_ROLL_SIZE)
            s->roll_bytes = (uint64_t)o->number;
    }
    for (unsigned i = 0; i < nall; i++)
        if (strcmp(all[i].name, "connector") == 0)
            return;
    diag_error(cc->d, "option", at, "WITH ('connector'='file')",
               "sink %s does not say what it writes to: 'connector' is missing", s->name);
}

/* --- rules ------------------------------------------------------------------------------------ */

static void set_rule(struct rule_plan *r, const struct optionread *p, int64_t *lateness_ms)
{
    switch (p->spec->id) {
    case OPTIONREAD_ID_SEVERITY:
        r->severity = p->value;
        break;
    case OPTIONREAD_ID_MODE:
        r->mode = p->value[0] == 'a' ? RULE_ACTIVE : p->value[0] == 's' ? RULE_SHADOW : RULE_PAUSED;
        break;
    case OPTIONREAD_ID_COOLDOWN:
        r->cooldown_ms = p->number;
        break;
    case OPTIONREAD_ID_TITLE:
        r->title = p->value;
        break;
    case OPTIONREAD_ID_DESCRIPTION:
        r->description = p->value;
        break;
    case OPTIONREAD_ID_LATENESS:
        *lateness_ms = p->number;
        break;
    case OPTIONREAD_ID_MAX_PARTIALS:
        r->limits.partials = (uint32_t)p->number;
        break;
    case OPTIONREAD_ID_MAX_ROWS:
        r->limits.rows = (uint32_t)p->number;
        break;
    case OPTIONREAD_ID_ON_LIMIT:
        r->limits.drop = p->value[5] == 'o'   ? LIMIT_DROP_OLDEST
                         : p->value[5] == 'n' ? LIMIT_DROP_NEWEST
                                              : LIMIT_DROP_KEY;
        break;
    case OPTIONREAD_ID_TTL:
        r->state_ttl_ms = p->number;
        break;
    default:
        break;
    }
}

void options_rule(struct cc *cc, const struct ast_option *list, struct rule_plan *r, bool is_window,
                  int64_t *lateness_ms)
{
    struct optionread p[OPTIONREAD_MAX];
    unsigned n =
        optionread_list(cc, list, rule_options, RULE_OPTIONS, false, p, &r->options, &r->noptions);
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
        const struct optionread_spec *s =
            optionread_find(rule_options, RULE_OPTIONS, optionread_text(cc, o->name));
        if (s == NULL)
            continue;
        if ((s->id == OPTIONREAD_ID_MAX_PARTIALS || s->id == OPTIONREAD_ID_ON_LIMIT) && !pattern)
            diag_error(cc->d, "option", o->name.at, NULL, "'%s' belongs to patterns", s->name);
        if (s->id == OPTIONREAD_ID_MAX_ROWS && !pattern && p->shape != RULE_OVER &&
            p->shape != RULE_JOIN)
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
        if (p->title != NULL && strcmp(optionread_text(cc, o->name), "title") == 0)
            check_placeholders(cc, p->title, o->value.at, p);
}
