/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alerts/alertbuild.h"
#include "base/mem.h"
#include "cep/derived.h"
#include "io/result_json.h"
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *text_of(struct bytes *b, struct arena *a)
{
    const char *text = arena_dup(a, b->p, b->n);
    bytes_fini(b);
    return text;
}

/* The i-th key column's value. False: the key is not of this rule's columns. */
static bool key_value(const struct result *r, unsigned i, struct value *out)
{
    struct bytes_reader in = bytes_read(r->key, r->key_len);
    for (unsigned k = 0; k <= i; k++)
        if (!value_from_key(&in, plan_key_type(r->rule, k), out))
            return false;
    return true;
}

static const char *key_json(const struct result *r, struct arena *a)
{
    struct bytes b = {0};
    jsonw_open(&b, '{');
    for (unsigned i = 0; i < plan_nkeys(r->rule); i++) {
        struct value v;
        if (!key_value(r, i, &v))
            break;
        const char *name = plan_key_name(r->rule, i);
        if (i > 0)
            bytes_u8(&b, ',');
        value_json_string(name, strlen(name), &b);
        bytes_u8(&b, ':');
        value_json(&v, &b);
    }
    jsonw_close(&b, '}');
    return text_of(&b, a);
}

static const char *row_json(const struct result *r, struct arena *a)
{
    struct bytes b = {0};
    result_json_row(r, &b);
    return text_of(&b, a);
}

/* --- the title --------------------------------------------------------------------------------------------------- */

static bool named(const char *name, const char *p, size_t n)
{
    return strlen(name) == n && strncasecmp(name, p, n) == 0;
}

static bool find_value(const struct result *r, const char *p, size_t n, struct value *out)
{
    const struct rule_plan *plan = r->rule;
    for (unsigned i = 0; i < plan->noutputs && i < r->nvalues; i++)
        if (named(plan->outputs[i].name, p, n)) {
            *out = r->values[i];
            return true;
        }
    for (unsigned i = 0; i < plan_nkeys(plan); i++)
        if (named(plan_key_name(plan, i), p, n))
            return key_value(r, i, out);
    return false;
}

static void put_plain(const struct value *v, struct bytes *out)
{
    if (!v->null && v->type.kind == TYPE_STRING) {
        bytes_put(out, v->c.s.p, v->c.s.n);
        return;
    }
    size_t at = out->n;
    value_json(v, out);
    /* A time is a string in JSON; in a sentence it has no quotes. */
    if (out->n - at >= 2 && out->p[at] == '"') {
        memmove(out->p + at, out->p + at + 1, out->n - at - 2);
        out->n -= 2;
    }
}

const char *alertbuild_title(const struct result *r, struct arena *a)
{
    const char *p = r->rule->title;
    if (p == NULL)
        return NULL;
    struct bytes b = {0};
    while (*p != '\0') {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        struct value v;
        if (end != NULL && find_value(r, p + 1, (size_t)(end - p) - 1, &v)) {
            put_plain(&v, &b);
            p = end + 1;
        } else {
            bytes_u8(&b, (uint8_t)*p++);
        }
    }
    return text_of(&b, a);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static const char *var_name(const struct result *r, int var)
{
    return var < 0 || (unsigned)var >= plan_nvars(r->rule) ? NULL
                                                           : plan_var_name(r->rule, (unsigned)var);
}

/* The i-th of the events that are kept. */
static const struct result_row *kept_row(const struct result *r, unsigned i)
{
    if (r->nrows <= ALERTBUILD_EVENTS_MAX || i < ALERTBUILD_EVENTS_MAX / 2)
        return &r->rows[i];
    return &r->rows[r->nrows - ALERTBUILD_EVENTS_MAX + i];
}

static struct catalog_alert_event *make_events(const struct result *r, struct arena *a, unsigned *n)
{
    *n = r->nrows < ALERTBUILD_EVENTS_MAX ? r->nrows : ALERTBUILD_EVENTS_MAX;
    struct catalog_alert_event *events = arena_zero(a, *n * sizeof *events);
    for (unsigned i = 0; i < *n; i++) {
        const struct result_row *row = kept_row(r, i);
        events[i] = (struct catalog_alert_event){.var = var_name(r, row->var),
                                                 .stream = row->place.stream,
                                                 .partition = row->place.partition,
                                                 .offset = row->place.offset,
                                                 .ts = row->ts};
    }
    return events;
}

static void put_place(const struct place *at, struct registry *streams, struct bytes *b)
{
    const struct schema *s = registry_stream_by_id(streams, at->stream);
    jsonw_open(b, '{');
    jsonw_kstr(b, "stream", s != NULL ? s->name : NULL);
    jsonw_ku64(b, "partition", at->partition);
    jsonw_ku64(b, "offset", at->offset);
    jsonw_close(b, '}');
}

/* {"A":[place, …], …}: all rows of a match, by variable in the order of the pattern. */
static const char *vars_json(const struct result *r, struct registry *streams, struct arena *a)
{
    if (plan_nvars(r->rule) == 0)
        return NULL;
    struct bytes b = {0};
    jsonw_open(&b, '{');
    for (unsigned v = 0; v < plan_nvars(r->rule); v++) {
        bool any = false;
        for (unsigned i = 0; i < r->nrows; i++) {
            if (r->rows[i].var != (int)v)
                continue;
            if (!any) {
                const char *name = var_name(r, (int)v);
                if (b.n > 1)
                    bytes_u8(&b, ',');
                value_json_string(name, strlen(name), &b);
                bytes_u8(&b, ':');
                jsonw_open(&b, '[');
            }
            any = true;
            put_place(&r->rows[i].place, streams, &b);
        }
        if (any)
            jsonw_close(&b, ']');
    }
    jsonw_close(&b, '}');
    return text_of(&b, a);
}

static const char *replaces_json(const struct result *r, struct arena *a)
{
    struct bytes b = {0};
    if (r->nreplaces == 0)
        return NULL;
    jsonw_open(&b, '[');
    for (unsigned i = 0; i < r->nreplaces; i++) {
        char id[RESULT_ID_TEXT];
        result_id_text(r->replaces[i], id);
        jsonw_str(&b, id);
    }
    jsonw_close(&b, ']');
    return text_of(&b, a);
}

void alertbuild_alert(const struct result *r, uint32_t version, struct registry *streams,
                      evtime now, struct arena *a, struct catalog_alert *out,
                      struct catalog_alert_event **events)
{
    *out =
        (struct catalog_alert){.rule_uid = r->rule_uid,
                               .rule_version = version,
                               .rule_name = arena_str(a, r->rule->name),
                               .severity = r->rule->severity != NULL
                                               ? arena_str(a, r->rule->severity)
                                               : "medium",
                               .title = alertbuild_title(r, a),
                               .kind = (int)r->kind,
                               .mode = (int)r->mode,
                               .time = r->time,
                               .created = now,
                               .window_start = r->window_start,
                               .window_end = r->window_end,
                               .key_json = key_json(r, a),
                               .row_json = row_json(r, a),
                               .vars_json = vars_json(r, streams, a),
                               .revision = r->revision,
                               .count = 1,
                               .retracted = r->retracted,
                               .replaces = replaces_json(r, a),
                               .only_update = r->kind == RESULT_UPDATE && r->rule->cooldown_ms > 0,
                               .status = "open"};
    result_id_text(r->id, out->id);
    *events = make_events(r, a, &out->nevents);
    out->events = *events;
}

void alertbuild_timeout(const struct result *r, uint32_t version, struct registry *streams,
                        evtime now, struct arena *a, struct catalog_timeout *out)
{
    struct result few = *r; /* a loop may have taken any number of rows */
    few.nrows = r->nrows < ALERTBUILD_EVENTS_MAX ? r->nrows : ALERTBUILD_EVENTS_MAX;
    *out = (struct catalog_timeout){.rule_uid = r->rule_uid,
                                    .rule_version = version,
                                    .rule_name = arena_str(a, r->rule->name),
                                    .time = r->time,
                                    .created = now,
                                    .key_json = key_json(r, a),
                                    .row_json = row_json(r, a),
                                    .vars_json = vars_json(&few, streams, a)};
    result_id_text(r->id, out->id);
}

/* Where the event of a row of that stream was taken, if the row stands for one: then all rules mean the same letter. */
static uint32_t stream_of_event(const struct rule_plan *p, uint32_t stream)
{
    const struct schema *streams[PLAN_STREAMS_MAX];
    for (unsigned i = 0, n = plan_streams(p, streams); i < n; i++)
        if (streams[i]->id == stream)
            return derived_place_of(streams[i])->id;
    return stream;
}

void alertbuild_alarm(const struct catalog_dead_letter *d, struct registry *streams, evtime now,
                      struct arena *a, struct catalog_alert *out,
                      struct catalog_alert_event **events)
{
    const struct place at = {d->stream, d->partition, d->offset};
    const struct schema *s = registry_stream_by_id(streams, d->stream);
    struct bytes row = {0}, vars = {0};
    jsonw_open(&row, '{');
    jsonw_kstr(&row, "stream", s != NULL ? s->name : NULL);
    jsonw_ku64(&row, "partition", d->partition);
    jsonw_ku64(&row, "offset", d->offset);
    jsonw_kstr(&row, "reason", d->reason);
    jsonw_close(&row, '}');
    bytes_printf(&vars, "{\"event\":[");
    put_place(&at, streams, &vars);
    bytes_printf(&vars, "]}");
    *out = (struct catalog_alert){.rule_version = 1,
                                  .rule_name = arena_printf(a, "weir.%s", d->code),
                                  .severity = "critical",
                                  .title = arena_printf(a,
                                                        "%s: event of %s, partition %u, offset "
                                                        "%" PRIu64,
                                                        d->code, s != NULL ? s->name : "a stream",
                                                        d->partition, d->offset),
                                  .kind = RESULT_MATCH,
                                  .mode = RULE_ACTIVE,
                                  .time = now,
                                  .created = now,
                                  .window_start = EVTIME_MIN,
                                  .window_end = EVTIME_MIN,
                                  .key_json = "{}",
                                  .row_json = text_of(&row, a),
                                  .vars_json = text_of(&vars, a),
                                  .count = 1,
                                  .nevents = 1,
                                  .status = "open"};
    /* The id says the place, so that the same alarm is one. */
    snprintf(out->id, sizeof out->id, "alt_%x_%x_%" PRIx64, d->stream, d->partition, d->offset);
    *events = arena_zero(a, sizeof **events);
    **events = (struct catalog_alert_event){.stream = d->stream,
                                            .partition = d->partition,
                                            .offset = d->offset,
                                            .ts = now};
    out->events = *events;
}

void alertbuild_dead_letter(const struct result *r, evtime now, struct catalog_dead_letter *out)
{
    const struct place nowhere = {.stream = r->rule->input->id, .offset = UINT64_MAX};
    const struct place *at = r->nrows > 0 ? &r->rows[0].place : &nowhere;
    bool late = r->kind == RESULT_LATE;
    *out = (struct catalog_dead_letter){
        .kind = late ? "late" : "error",
        .stream = stream_of_event(r->rule, at->stream),
        .partition = at->partition,
        .offset = at->offset,
        .rule = r->rule->name,
        .code = late ? "late" : "rule-error",
        .reason = r->reason != NULL ? r->reason
                  : late ? "the event came after its time had been closed by the watermark"
                         : "the rule could not go on here",
        .at = now};
}
