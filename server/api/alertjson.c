/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/alertjson.h"
#include "cep/result.h"
#include "server/http/jsonw.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char id_prefix[] = "rul_";

void alertjson_rule_id(uint64_t uid, char out[ALERTJSON_RULE_ID])
{
    snprintf(out, ALERTJSON_RULE_ID, "%s%06" PRIu64, id_prefix, uid);
}

bool alertjson_rule_uid(const char *id, uint64_t *uid)
{
    size_t prefix = sizeof id_prefix - 1, n = strlen(id);
    if (n <= prefix || n > prefix + 19 || memcmp(id, id_prefix, prefix) != 0)
        return false;
    uint64_t v = 0;
    for (const char *p = id + prefix; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *uid = v;
    return true;
}

static const char *mode_name(int mode)
{
    return mode == RULE_SHADOW ? "shadow" : mode == RULE_PAUSED ? "paused" : "active";
}

static void put_window(evtime start, evtime end, struct bytes *out)
{
    jsonw_key(out, "window");
    if (start == EVTIME_MIN && end == EVTIME_MIN) {
        jsonw_null(out);
        return;
    }
    jsonw_open(out, '{');
    jsonw_ktime(out, "start", start);
    jsonw_ktime(out, "end", end);
    jsonw_close(out, '}');
}

static void put_rule(const struct catalog_alert *a, struct bytes *out)
{
    char rule_id[ALERTJSON_RULE_ID];
    alertjson_rule_id(a->rule_uid, rule_id);
    jsonw_kstr(out, "rule", a->rule_name);
    jsonw_kstr(out, "rule_id", rule_id);
    jsonw_ku64(out, "version", a->rule_version);
    jsonw_kstr(out, "severity", a->severity);
    jsonw_kstr(out, "title", a->title);
    jsonw_kstr(out, "kind", result_kind_name((enum result_kind)a->kind));
}

static void put_found(const struct catalog_alert *a, struct bytes *out)
{
    jsonw_kraw(out, "key", a->key_json);
    jsonw_kraw(out, "row", a->row_json);
    put_window(a->window_start, a->window_end, out);
    jsonw_ku64(out, "revision", a->revision);
    jsonw_kbool(out, "retracted", a->retracted != 0);
}

void alertjson_members(const struct catalog_alert *a, struct bytes *out)
{
    jsonw_kstr(out, "id", a->id);
    jsonw_ku64(out, "seq", a->seq);
    put_rule(a, out);
    jsonw_kstr(out, "mode", mode_name(a->mode));
    jsonw_ktime(out, "time", a->time);
    jsonw_ktime(out, "created", a->created);
    put_found(a, out);
    jsonw_ku64(out, "count", a->count);
    jsonw_kstr(out, "status", a->status != NULL ? a->status : "open");
    if (a->replaces != NULL)
        jsonw_kraw(out, "replaces", a->replaces);
    if (a->replaced_by != NULL)
        jsonw_kstr(out, "replaced_by", a->replaced_by);
}

void alertjson_line(const struct catalog_alert *a, struct bytes *out)
{
    bytes_u8(out, '{'); /* a new object, whatever is before it */
    jsonw_kstr(out, "id", a->id);
    put_rule(a, out);
    jsonw_ktime(out, "time", a->time);
    put_found(a, out);
    if (a->replaces != NULL)
        jsonw_kraw(out, "replaces", a->replaces);
    jsonw_close(out, '}');
}

void alertjson_revisions(const struct catalog_alert *a, struct bytes *out)
{
    jsonw_key(out, "revisions");
    jsonw_open(out, '[');
    for (unsigned i = 0; i < a->nrevisions; i++) {
        const struct catalog_alert_revision *r = &a->revisions[i];
        jsonw_open(out, '{');
        jsonw_ku64(out, "revision", r->revision);
        jsonw_ktime(out, "time", r->time);
        jsonw_ktime(out, "created", r->created);
        jsonw_kstr(out, "title", r->title);
        jsonw_kraw(out, "row", r->row_json);
        put_window(r->window_start, r->window_end, out);
        jsonw_kbool(out, "retracted", r->retracted != 0);
        jsonw_close(out, '}');
    }
    jsonw_close(out, ']');
}

void alertjson_short(const struct catalog_alert *a, struct bytes *out)
{
    jsonw_open(out, '{');
    alertjson_members(a, out);
    jsonw_close(out, '}');
}
