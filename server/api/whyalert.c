/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/whyalert.h"
#include "base/mem.h"
#include "server/http/jsonw.h"
#include <jansson.h>
#include <string.h>

enum { LOOKED_AT = 200 }; /* alerts of the rule and key, the newest */

struct found {
    char id[32];
    evtime time, window_start, window_end;
    uint32_t count;
    int mode;
};
struct look {
    const struct whyalert_ask *ask;
    struct found at[LOOKED_AT];
    unsigned n;
    bool has; /* the alert in hand has the event */
};

static void note(void *ctx, const struct catalog_alert *a)
{
    struct look *l = ctx;
    if (l->n == LOOKED_AT)
        return;
    struct found *f = &l->at[l->n++];
    *f = (struct found){.time = a->time,
                        .window_start = a->window_start,
                        .window_end = a->window_end,
                        .count = a->count,
                        .mode = a->mode};
    memcpy(f->id, a->id, sizeof f->id);
}

static void look_into(void *ctx, const struct catalog_alert *a)
{
    struct look *l = ctx;
    for (unsigned i = 0; i < a->nevents; i++)
        l->has |= a->events[i].partition == l->ask->partition &&
                  a->events[i].offset == l->ask->offset && a->events[i].ts == l->ask->time;
}

/* The key as catalog_alerts finds it: its values, joined by commas. */
static void key_text(const char *json, struct bytes *out)
{
    json_t *key = json_loads(json, 0, NULL), *v;
    const char *name;
    json_object_foreach(key, name, v)
    {
        bytes_printf(out, out->n > 0 ? "," : "");
        if (json_is_string(v)) {
            bytes_printf(out, "%s", json_string_value(v));
            continue;
        }
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        bytes_printf(out, "%s", text != NULL ? text : "");
        free(text);
    }
    json_decref(key);
    bytes_u8(out, 0);
}

/* The one that has the event; else one in whose window it is, or that is of its very time. */
static const struct found *that_has(struct api *a, struct look *l)
{
    enum { OPENED = 16 };
    unsigned opened = 0;
    for (unsigned i = 0; i < l->n; i++) {
        if (l->at[i].time < l->ask->time)
            continue;
        if (l->ask->plan->shape == RULE_FILTER && l->at[i].time != l->ask->time)
            continue;
        if (l->at[i].window_end != EVTIME_MIN && l->at[i].window_start <= l->ask->time &&
            l->ask->time < l->at[i].window_end)
            return &l->at[i];
        if (opened++ == OPENED)
            break;
        l->has = false;
        if (catalog_alerts_get(a->reader, l->at[i].id, look_into, l) == ERR_OK && l->has)
            return &l->at[i];
    }
    return NULL;
}

/* The newest whose cooldown the event's result came in. */
static const struct found *that_counts(const struct look *l)
{
    int64_t cooldown = l->ask->plan->cooldown_ms;
    const struct found *best = NULL;
    for (unsigned i = 0; i < l->n && cooldown > 0; i++) {
        const struct found *f = &l->at[i];
        if (f->time <= l->ask->time && f->time + cooldown > l->ask->time &&
            (best == NULL || f->time > best->time))
            best = f;
    }
    return best;
}

void whyalert_put(struct api *a, const struct whyalert_ask *ask, struct bytes *out)
{
    static const char *const modes[] = {"active", "shadow", "paused"};
    struct look *l = mem_new(sizeof *l);
    struct bytes key = {0};
    l->ask = ask;
    key_text(ask->key_json, &key);
    struct catalog_alert_filter f = {.rule = ask->rule, .mode = -1, .limit = LOOKED_AT};
    if (ask->plan->shape != RULE_FILTER) /* whose alerts have no key */
        f.key = (const char *)key.p;
    enum err e = catalog_alerts(a->reader, &f, note, l);
    const struct found *own = e == ERR_OK ? that_has(a, l) : NULL;
    const struct found *told = own != NULL ? own : that_counts(l);
    if (told == NULL) {
        jsonw_kraw(out, "alert", NULL);
    } else {
        jsonw_key(out, "alert");
        jsonw_open(out, '{');
        jsonw_kstr(out, "id", told->id);
        jsonw_ktime(out, "time", told->time);
        jsonw_ku64(out, "count", told->count);
        jsonw_kstr(out, "mode", modes[told->mode]);
        jsonw_kstr(out, "by", own != NULL ? "match" : "cooldown");
        if (own == NULL)
            jsonw_ktime(out, "until", told->time + ask->plan->cooldown_ms);
        jsonw_close(out, '}');
    }
    bytes_fini(&key);
    mem_free(l);
}

void whyalert_put_verdict(struct api *a, struct whyalert_ask *ask, const struct bytes *json,
                          struct bytes *out)
{
    static const char before[] = "\"verdict\":";
    if (json->n < sizeof before)
        return;
    json_t *v = json_loadb((const char *)json->p + sizeof before - 1, json->n - sizeof before + 1,
                           JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *event = json_object_get(v, "event");
    const char *kind = json_string_value(json_object_get(v, "kind"));
    const char *time = json_string_value(json_object_get(event, "time"));
    union cell t;
    if (kind != NULL && strcmp(kind, "matched") == 0 && time != NULL &&
        value_parse_text((struct type){.kind = TYPE_TIMESTAMP}, time, strlen(time), &t)) {
        ask->partition = (uint32_t)json_integer_value(json_object_get(event, "partition"));
        ask->offset = (uint64_t)json_integer_value(json_object_get(event, "offset"));
        ask->time = t.i;
        whyalert_put(a, ask, out);
    }
    json_decref(v);
}
