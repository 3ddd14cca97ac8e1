/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/optionread.h"
#include "base/size.h"
#include "base/timebase.h"
#include "rules/names.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *optionread_text(struct cc *cc, struct token t)
{
    struct ast a = {.arena = cc->arena};
    return ast_unquote(&a, t, NULL);
}

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

static bool is_size(const char *s, int64_t *bytes)
{
    uint64_t n = 0;
    if (!size_parse(s, &n) || n > INT64_MAX)
        return false;
    *bytes = (int64_t)n;
    return true;
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

static const char *wanted(struct cc *cc, const struct optionread_spec *o)
{
    switch (o->kind) {
    case OPTIONREAD_COUNT:
        return arena_printf(cc->arena, "a number from 1 to %d", OPTIONREAD_COUNT_MAX);
    case OPTIONREAD_AMOUNT:
        return arena_printf(cc->arena, "a number from 0 to %d", OPTIONREAD_COUNT_MAX);
    case OPTIONREAD_DURATION:
        return "a duration like 10 min, 30 s, 250 ms";
    case OPTIONREAD_SIZE:
        return "a size like 128 MiB";
    case OPTIONREAD_NUMBER:
        return arena_printf(cc->arena, "a number from 1 to %d", SCHEMA_PARTITIONS_MAX);
    case OPTIONREAD_TRIGGER:
        return "event-time, processing-time, count N, continuous 10 s or punctuated";
    case OPTIONREAD_EVICTOR:
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

static bool check_value(struct cc *cc, struct optionread *p)
{
    bool good = true;
    switch (p->spec->kind) {
    case OPTIONREAD_DURATION:
        good = is_duration(p->value, &p->number);
        break;
    case OPTIONREAD_NUMBER:
        good = is_count(p->value) && atoi(p->value) <= SCHEMA_PARTITIONS_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case OPTIONREAD_COUNT:
        good = is_count(p->value) && atoi(p->value) <= OPTIONREAD_COUNT_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case OPTIONREAD_AMOUNT:
        good = is_amount(p->value) && atoi(p->value) <= OPTIONREAD_COUNT_MAX;
        p->number = good ? atoi(p->value) : 0;
        break;
    case OPTIONREAD_SIZE:
        good = is_size(p->value, &p->number);
        break;
    case OPTIONREAD_WORD:
        good = is_word(p->spec->words, p->value);
        break;
    case OPTIONREAD_TRIGGER:
        good = is_trigger(p->value);
        break;
    case OPTIONREAD_EVICTOR:
        good = is_evictor(cc, p->value);
        break;
    case OPTIONREAD_TEXT:
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

const struct optionread_spec *optionread_find(const struct optionread_spec *specs, unsigned n,
                                              const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    return NULL;
}

static void say_unknown(struct cc *cc, const struct optionread_spec *specs, unsigned n,
                        const char *name, struct span at, bool is_stream)
{
    const char *names[OPTIONREAD_MAX];
    for (unsigned i = 0; i < n; i++)
        names[i] = specs[i].name;
    const char *hint = names_hint(cc, name, names, n);
    if (hint == NULL && is_stream) /* a connector may have options of its own */
        diag_warn(cc->d, "option", at, NULL, "option '%s' is not known, and has no effect", name);
    else
        diag_error(cc->d, "option", at, hint, "no option '%s'", name);
}

unsigned optionread_list(struct cc *cc, const struct ast_option *list,
                         const struct optionread_spec *specs, unsigned nspecs, bool is_stream,
                         struct optionread *out, const struct option **options, unsigned *noptions)
{
    unsigned n = 0, count = 0, given = 1;
    for (const struct ast_option *o = list; o != NULL; o = o->next)
        given++;
    struct option *all =
        arena_alloc(cc->arena, (given < OPTIONREAD_MAX ? given : OPTIONREAD_MAX) * sizeof *all);
    for (const struct ast_option *o = list; o != NULL; o = o->next) {
        const char *name = optionread_text(cc, o->name);
        bool twice = false;
        for (unsigned i = 0; i < count; i++)
            twice = twice || strcmp(all[i].name, name) == 0;
        if (twice || count == OPTIONREAD_MAX) {
            diag_error(cc->d, "option", o->name.at, NULL,
                       twice ? "option '%s' is there twice" : "option '%s' is one too many", name);
            continue;
        }
        struct optionread p = {optionread_find(specs, nspecs, name), optionread_text(cc, o->value),
                               0, o->value.at};
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
