/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: inserted in batches of one transaction, deduplicated by their deterministic id, listed by seq.
 *
 * Sums by rule and by minute are gathered over a batch and written once with it. The events of a match are one blob
 * beside the alert: a row for each would cost more than the alert itself and is never asked for alone. */
#include "base/arena.h"
#include "base/mem.h"
#include "state/catalog.h"
#include "state/catalog_db.h"
#include <stdio.h>
#include <string.h>

enum { EVENTS_FORMAT = 1, EVENT_HAS_VAR = 1, EVENT_HAS_JSON = 2 };
enum { MODE_SHADOW = 1, MINUTE_MS = 60000, HOUR_MINUTES = 60 };

static const char *const severities[] = {"low", "medium", "high", "critical"};
enum { SEVERITIES = sizeof severities / sizeof *severities, SEVERITY_MEDIUM = 1 };

static int severity_number(const char *name)
{
    for (int i = 0; name && i < SEVERITIES; i++)
        if (strcmp(name, severities[i]) == 0)
            return i;
    return SEVERITY_MEDIUM;
}

static const char *severity_name(int i)
{
    return i >= 0 && i < SEVERITIES ? severities[i] : severities[SEVERITY_MEDIUM];
}

/* --- a batch ------------------------------------------------------------------------------------------------- */

struct rule_sum {
    uint64_t uid, alerts, shadow;
    evtime last;
};
struct minute_sum {
    evtime minute;
    int severity;
    uint64_t n;
};
struct batch {
    struct catalog *c;
    uint64_t seq, alerts, shadow; /* seq: the last given */
    struct rule_sum *rules;
    size_t nrules, rules_cap;
    struct minute_sum *minutes;
    size_t nminutes, minutes_cap;
    struct bytes key, events; /* scratch */
};

static struct rule_sum *rule_of(struct batch *b, uint64_t uid)
{
    for (size_t i = b->nrules; i-- > 0;) /* neighbours are often of one rule */
        if (b->rules[i].uid == uid)
            return &b->rules[i];
    b->rules = mem_grow(b->rules, b->nrules, 1, &b->rules_cap, sizeof *b->rules);
    b->rules[b->nrules] = (struct rule_sum){.uid = uid, .last = EVTIME_MIN};
    return &b->rules[b->nrules++];
}

static struct minute_sum *minute_of(struct batch *b, evtime minute, int severity)
{
    for (size_t i = b->nminutes; i-- > 0;)
        if (b->minutes[i].minute == minute && b->minutes[i].severity == severity)
            return &b->minutes[i];
    b->minutes = mem_grow(b->minutes, b->nminutes, 1, &b->minutes_cap, sizeof *b->minutes);
    b->minutes[b->nminutes] = (struct minute_sum){.minute = minute, .severity = severity};
    return &b->minutes[b->nminutes++];
}

static void add_to_sums(struct batch *b, const struct catalog_alert *a, bool is_new)
{
    struct rule_sum *r = rule_of(b, a->rule_uid);
    if (a->created > r->last)
        r->last = a->created;
    if (!is_new)
        return;
    if (a->mode == MODE_SHADOW) {
        r->shadow++;
        b->shadow++;
        return;
    }
    r->alerts++;
    b->alerts++;
    evtime minute = a->created - (a->created % MINUTE_MS);
    minute_of(b, minute, severity_number(a->severity))->n++;
}

/* {"card":"c_17","shop":4} as c_17,4: what a person types to find the alerts of a key. */
static void key_text(const char *json, struct bytes *out)
{
    bool in_value = false;
    bytes_reset(out);
    for (const char *p = json ? json : ""; *p; p++) {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++) {
                if (*p == '\\' && (p[1] == '"' || p[1] == '\\' || p[1] == '/'))
                    p++;
                if (in_value)
                    bytes_u8(out, (uint8_t)*p);
            }
            if (!*p)
                break;
        } else if (*p == ':' && !in_value) {
            in_value = true;
        } else if (*p == ',') {
            in_value = false;
            bytes_u8(out, ',');
        } else if (in_value && *p != ' ' && *p != '}') {
            bytes_u8(out, (uint8_t)*p);
        }
    }
}

static void encode_events(const struct catalog_alert *a, struct bytes *out)
{
    bytes_reset(out);
    bytes_u8(out, EVENTS_FORMAT);
    bytes_varint(out, a->nevents);
    for (unsigned i = 0; i < a->nevents; i++) {
        const struct catalog_alert_event *ev = &a->events[i];
        bytes_u8(out, (uint8_t)((ev->var ? EVENT_HAS_VAR : 0) | (ev->json ? EVENT_HAS_JSON : 0)));
        if (ev->var)
            bytes_str(out, ev->var, strlen(ev->var));
        bytes_varint(out, ev->stream);
        bytes_varint(out, ev->partition);
        bytes_varint(out, ev->offset);
        bytes_u64(out, (uint64_t)ev->ts);
        if (ev->json)
            bytes_str(out, ev->json, ev->json_len);
    }
}

static void bind_alert(sqlite3_stmt *s, const struct catalog_alert *a, uint64_t seq,
                       const struct bytes *key)
{
    catalog_db_bind_u64(s, 1, seq);
    catalog_db_bind_text(s, 2, a->id);
    catalog_db_bind_u64(s, 3, a->rule_uid);
    sqlite3_bind_int64(s, 4, a->rule_version);
    catalog_db_bind_text(s, 5, a->rule_name);
    sqlite3_bind_int(s, 6, severity_number(a->severity));
    catalog_db_bind_text(s, 7, a->title);
    sqlite3_bind_int(s, 8, a->kind);
    sqlite3_bind_int(s, 9, a->mode);
    sqlite3_bind_int64(s, 10, a->time);
    sqlite3_bind_int64(s, 11, a->created);
    catalog_db_bind_time(s, 12, a->window_start);
    catalog_db_bind_time(s, 13, a->window_end);
    sqlite3_bind_text(s, 14, key->n ? (const char *)key->p : "", (int)key->n, SQLITE_STATIC);
    catalog_db_bind_text(s, 15, a->key_json ? a->key_json : "{}");
    catalog_db_bind_text(s, 16, a->row_json ? a->row_json : "{}");
    sqlite3_bind_int64(s, 17, a->revision);
    sqlite3_bind_int64(s, 18, a->count);
    sqlite3_bind_int(s, 19, a->retracted != 0);
    catalog_db_bind_text(s, 20, a->replaces);
}

static enum err insert_details(struct batch *b, const struct catalog_alert *a, uint64_t seq)
{
    sqlite3_stmt *s = catalog_db_statement(b->c, "INSERT INTO alert_details VALUES (?1, ?2, ?3)");
    if (!s)
        return ERR_IO;
    encode_events(a, &b->events);
    catalog_db_bind_u64(s, 1, seq);
    catalog_db_bind_text(s, 2, a->vars_json);
    sqlite3_bind_blob(s, 3, b->events.p, (int)b->events.n, SQLITE_STATIC);
    return catalog_db_run(b->c, s);
}

static enum err drop_details(struct batch *b, uint64_t seq)
{
    sqlite3_stmt *s = catalog_db_statement(b->c, "DELETE FROM alert_details WHERE seq = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, seq);
    return catalog_db_run(b->c, s);
}

/* *old: the seq of what is there under the id if the alert given is a later revision of it, else 0. */
static enum err find_older(struct batch *b, struct catalog_alert *a, uint64_t *old)
{
    sqlite3_stmt *s = catalog_db_statement(
        b->c, "SELECT CASE WHEN revision < ?2 AND replaced_by IS NULL THEN seq ELSE 0 END"
              " FROM alerts WHERE id = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_text(s, 1, a->id);
    sqlite3_bind_int64(s, 2, a->revision);
    int rc = sqlite3_step(s);
    *old = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    a->unknown = rc == SQLITE_DONE;
    sqlite3_reset(s);
    return catalog_db_err(b->c, rc);
}

/* A new seq, so that it is news to the live stream and first in the list; a person's status stays. */
static enum err update_alert(struct batch *b, const struct catalog_alert *a, uint64_t seq)
{
    sqlite3_stmt *s = catalog_db_statement(
        b->c,
        "UPDATE alerts SET seq = ?1, rule_uid = ?3, rule_version = ?4, rule_name = ?5,"
        " severity = ?6, title = ?7, kind = ?8, mode = ?9, time = ?10, created = ?11,"
        " window_start = ?12, window_end = ?13, key_text = ?14, key_json = ?15, row_json = ?16,"
        " revision = ?17, count = ?18, retracted = ?19, replaces = coalesce(?20, replaces)"
        " WHERE id = ?2");
    if (!s)
        return ERR_IO;
    bind_alert(s, a, seq, &b->key);
    return catalog_db_run(b->c, s);
}

static enum err add_one(struct batch *b, struct catalog_alert *a)
{
    sqlite3_stmt *s = catalog_db_statement(
        b->c, "INSERT INTO alerts (seq, id, rule_uid, rule_version, rule_name, severity, title,"
              " kind, mode, time, created, window_start, window_end, key_text, key_json, row_json,"
              " revision, count, retracted, replaces)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
              " ?17, ?18, ?19, ?20) ON CONFLICT (id) DO NOTHING");
    if (!s)
        return ERR_IO;
    uint64_t seq = b->seq + 1, old = 0;
    key_text(a->key_json, &b->key);
    bind_alert(s, a, seq, &b->key);
    enum err e = a->only_update ? ERR_OK : catalog_db_run(b->c, s);
    if (e != ERR_OK)
        return e;
    bool is_new = !a->only_update && sqlite3_changes(b->c->db) != 0;
    a->seq = 0;
    a->unknown = false;
    if (!is_new) {
        if ((e = find_older(b, a, &old)) != ERR_OK || old == 0)
            return e;
        if ((e = catalog_revision_keep(b->c, a->id)) != ERR_OK ||
            (e = update_alert(b, a, seq)) != ERR_OK || (e = drop_details(b, old)) != ERR_OK)
            return e;
    }
    if ((e = insert_details(b, a, seq)) != ERR_OK ||
        (e = catalog_revision_replace(b->c, a)) != ERR_OK)
        return e;
    add_to_sums(b, a, is_new);
    a->seq = b->seq = seq;
    return ERR_OK;
}

static enum err write_sums(struct batch *b)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < b->nrules; i++) {
        sqlite3_stmt *s = catalog_db_statement(
            b->c, "INSERT INTO rule_totals VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET"
                  " alerts = alerts + ?2, shadow = shadow + ?3, last = max(last, ?4)");
        if (!s)
            return ERR_IO;
        catalog_db_bind_u64(s, 1, b->rules[i].uid);
        catalog_db_bind_u64(s, 2, b->rules[i].alerts);
        catalog_db_bind_u64(s, 3, b->rules[i].shadow);
        sqlite3_bind_int64(s, 4, b->rules[i].last);
        e = catalog_db_run(b->c, s);
    }
    for (size_t i = 0; e == ERR_OK && i < b->nminutes; i++) {
        sqlite3_stmt *s = catalog_db_statement(
            b->c, "INSERT INTO minute_totals VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
                  " n = n + ?3");
        if (!s)
            return ERR_IO;
        sqlite3_bind_int64(s, 1, b->minutes[i].minute);
        sqlite3_bind_int(s, 2, b->minutes[i].severity);
        catalog_db_bind_u64(s, 3, b->minutes[i].n);
        e = catalog_db_run(b->c, s);
    }
    sqlite3_stmt *s =
        catalog_db_statement(b->c,
                             "UPDATE totals SET seq = ?1, alerts = alerts + ?2, open = open + ?2,"
                             " shadow = shadow + ?3");
    if (e != ERR_OK || !s)
        return e != ERR_OK ? e : ERR_IO;
    catalog_db_bind_u64(s, 1, b->seq);
    catalog_db_bind_u64(s, 2, b->alerts);
    catalog_db_bind_u64(s, 3, b->shadow);
    return catalog_db_run(b->c, s);
}

static enum err read_seq(struct batch *b)
{
    sqlite3_stmt *s = catalog_db_statement(b->c, "SELECT seq FROM totals");
    int rc = s ? sqlite3_step(s) : SQLITE_ERROR;
    if (rc == SQLITE_ROW)
        b->seq = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    return rc == SQLITE_DONE ? ERR_CORRUPT : catalog_db_err(b->c, rc);
}

enum err catalog_alerts_add(struct catalog *c, struct catalog_alert *alerts, unsigned n,
                            unsigned *inserted)
{
    struct batch b = {.c = c};
    uint64_t before = 0;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        e = read_seq(&b);
        before = b.seq;
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = add_one(&b, &alerts[i]);
        if (e == ERR_OK && b.seq != before)
            e = write_sums(&b);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    if (e == ERR_OK)
        *inserted = (unsigned)(b.seq - before);
    else
        for (unsigned i = 0; i < n; i++)
            alerts[i].seq = 0;
    mem_free(b.rules);
    mem_free(b.minutes);
    bytes_fini(&b.key);
    bytes_fini(&b.events);
    return e;
}

enum err catalog_alerts_raise(struct catalog *c, const char *id, uint32_t count)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "UPDATE alerts SET count = ?2 WHERE id = ?1 AND count < ?2");
    if (s) {
        catalog_db_bind_text(s, 1, id);
        sqlite3_bind_int64(s, 2, count);
        e = catalog_db_run(c, s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- reading ------------------------------------------------------------------------------------------------- */

#define ALERT_COLUMNS                                                                              \
    "SELECT seq, id, rule_uid, rule_version, rule_name, severity, title, kind, mode, time,"        \
    " created, window_start, window_end, key_json, row_json, revision, count, retracted, status,"  \
    " replaces, replaced_by FROM alerts "

static void read_alert(sqlite3_stmt *s, struct catalog_alert *a)
{
    const char *id = catalog_db_text(s, 1);
    *a = (struct catalog_alert){.seq = (uint64_t)sqlite3_column_int64(s, 0),
                                .rule_uid = (uint64_t)sqlite3_column_int64(s, 2),
                                .rule_version = (uint32_t)sqlite3_column_int64(s, 3),
                                .rule_name = catalog_db_text(s, 4),
                                .severity = severity_name(sqlite3_column_int(s, 5)),
                                .title = catalog_db_text(s, 6),
                                .kind = sqlite3_column_int(s, 7),
                                .mode = sqlite3_column_int(s, 8),
                                .time = sqlite3_column_int64(s, 9),
                                .created = sqlite3_column_int64(s, 10),
                                .window_start = catalog_db_time(s, 11),
                                .window_end = catalog_db_time(s, 12),
                                .key_json = catalog_db_text(s, 13),
                                .row_json = catalog_db_text(s, 14),
                                .revision = (uint32_t)sqlite3_column_int64(s, 15),
                                .count = (uint32_t)sqlite3_column_int64(s, 16),
                                .retracted = sqlite3_column_int(s, 17),
                                .status = catalog_db_text(s, 18),
                                .replaces = catalog_db_text(s, 19),
                                .replaced_by = catalog_db_text(s, 20)};
    snprintf(a->id, sizeof a->id, "%s", id ? id : "");
}

/* Conditions that are asked for only, so that each can use its index; seq gives the order in all of them. */
static void filter_sql(const struct catalog_alert_filter *f, struct bytes *sql)
{
    bytes_printf(sql, ALERT_COLUMNS "WHERE seq %c ?1", f->oldest_first ? '>' : '<');
    if (f->rule)
        bytes_printf(sql, " AND rule_name = ?2");
    if (f->key)
        bytes_printf(sql, " AND key_text = ?3");
    if (f->severity)
        bytes_printf(sql, " AND severity = ?4");
    if (f->status)
        bytes_printf(sql, " AND status = ?5");
    if (f->mode >= 0)
        bytes_printf(sql, " AND mode = ?6");
    bytes_printf(sql, " ORDER BY seq %s LIMIT ?7", f->oldest_first ? "ASC" : "DESC");
}

enum err catalog_alerts(struct catalog *c, const struct catalog_alert_filter *f,
                        catalog_alerts_each *each, void *ctx)
{
    struct bytes sql = {0};
    sqlite3_stmt *s = NULL;
    filter_sql(f, &sql);
    pthread_mutex_lock(&c->lock);
    int rc = sqlite3_prepare_v2(c->db, (const char *)sql.p, (int)sql.n, &s, NULL);
    if (rc == SQLITE_OK) {
        catalog_db_bind_u64(s, 1, f->after_seq || f->oldest_first ? f->after_seq : INT64_MAX);
        catalog_db_bind_text(s, 2, f->rule);
        catalog_db_bind_text(s, 3, f->key);
        sqlite3_bind_int(s, 4, severity_number(f->severity));
        catalog_db_bind_text(s, 5, f->status);
        sqlite3_bind_int(s, 6, f->mode);
        sqlite3_bind_int64(s, 7, f->limit);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
            struct catalog_alert a;
            read_alert(s, &a);
            each(ctx, &a);
        }
    }
    enum err e = catalog_db_err(c, rc);
    sqlite3_finalize(s);
    pthread_mutex_unlock(&c->lock);
    bytes_fini(&sql);
    return e;
}

static const char *text_of(struct arena *arena, struct bytes_reader *r, size_t *n)
{
    const char *p = bytes_get_str(r, n);
    return p ? arena_dup(arena, p, *n) : NULL;
}

/* False: not what encode_events wrote. */
static bool decode_events(struct arena *arena, struct bytes_reader r, struct catalog_alert *a)
{
    uint8_t format = bytes_get_u8(&r);
    uint64_t n = bytes_get_varint(&r);
    /* An event takes twelve bytes at least: a damaged count cannot ask for more memory than the blob has. */
    if (r.bad || format != EVENTS_FORMAT || n > (uint64_t)(r.end - r.p) / 12)
        return false;
    struct catalog_alert_event *events = arena_zero(arena, n * sizeof *events + 1);
    for (uint64_t i = 0; i < n && !r.bad; i++) {
        size_t ignored = 0;
        uint8_t has = bytes_get_u8(&r);
        if (has & EVENT_HAS_VAR)
            events[i].var = text_of(arena, &r, &ignored);
        events[i].stream = (uint32_t)bytes_get_varint(&r);
        events[i].partition = (uint32_t)bytes_get_varint(&r);
        events[i].offset = bytes_get_varint(&r);
        events[i].ts = (evtime)bytes_get_u64(&r);
        if (has & EVENT_HAS_JSON)
            events[i].json = text_of(arena, &r, &events[i].json_len);
    }
    a->events = events;
    a->nevents = (unsigned)n;
    return !r.bad;
}

static enum err read_details(struct catalog *c, struct arena *arena, struct catalog_alert *a)
{
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT vars_json, events FROM alert_details WHERE seq = ?1");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, a->seq);
    int rc = sqlite3_step(s);
    enum err e = rc == SQLITE_ROW    ? ERR_OK
                 : rc == SQLITE_DONE ? ERR_CORRUPT
                                     : catalog_db_err(c, rc);
    if (e == ERR_OK) {
        const char *vars = catalog_db_text(s, 0);
        a->vars_json = vars ? arena_str(arena, vars) : NULL;
        if (!decode_events(arena,
                           bytes_read(sqlite3_column_blob(s, 1),
                                      (size_t)sqlite3_column_bytes(s, 1)),
                           a))
            e = ERR_CORRUPT;
    }
    sqlite3_reset(s);
    return e;
}

enum err catalog_alerts_get(struct catalog *c, const char *id, catalog_alerts_each *each, void *ctx)
{
    struct arena *arena = arena_new(4096, 0);
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, ALERT_COLUMNS "WHERE id = ?1");
    if (s) {
        struct catalog_alert a;
        catalog_db_bind_text(s, 1, id);
        int rc = sqlite3_step(s);
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
        if (rc == SQLITE_ROW) {
            read_alert(s, &a);
            /* Both reads see one state: the first statement is still open and holds its snapshot. */
            if ((e = read_details(c, arena, &a)) == ERR_OK &&
                (e = catalog_revision_read(c, arena, &a)) == ERR_OK)
                each(ctx, &a);
        }
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    arena_free(arena);
    return e;
}

enum err catalog_alerts_like(struct catalog *c, const char *prefix, catalog_alerts_each *each,
                             void *ctx)
{
    enum err e = ERR_IO;
    char end[64];
    snprintf(end, sizeof end, "%.60s~", prefix); /* behind all letters and digits */
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, ALERT_COLUMNS "WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1");
    if (s) {
        struct catalog_alert a;
        catalog_db_bind_text(s, 1, prefix);
        catalog_db_bind_text(s, 2, end);
        int rc = sqlite3_step(s);
        e = rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(c, rc);
        if (rc == SQLITE_ROW) {
            read_alert(s, &a);
            each(ctx, &a);
            e = ERR_OK;
        }
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_alerts_count(struct catalog *c, evtime now, struct catalog_counts *out)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c,
                             "SELECT alerts, open, shadow, dead, seq,"
                             " (SELECT coalesce(sum(n), 0) FROM minute_totals WHERE minute > ?1),"
                             " dead_kept, timeouts FROM totals");
    if (s) {
        sqlite3_bind_int64(s, 1, now - (evtime)HOUR_MINUTES * MINUTE_MS);
        int rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            *out = (struct catalog_counts){.alerts = (uint64_t)sqlite3_column_int64(s, 0),
                                           .open = (uint64_t)sqlite3_column_int64(s, 1),
                                           .shadow = (uint64_t)sqlite3_column_int64(s, 2),
                                           .dead_letters = (uint64_t)sqlite3_column_int64(s, 3),
                                           .last_seq = (uint64_t)sqlite3_column_int64(s, 4),
                                           .last_hour = (uint64_t)sqlite3_column_int64(s, 5),
                                           .dead_kept = (uint64_t)sqlite3_column_int64(s, 6),
                                           .timeouts = (uint64_t)sqlite3_column_int64(s, 7)};
        e = rc == SQLITE_DONE ? ERR_CORRUPT : catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_alerts_by_rule(struct catalog *c,
                                void (*each)(void *ctx, uint64_t uid, uint64_t alerts,
                                             uint64_t shadow, evtime last),
                                void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s = catalog_db_statement(c, "SELECT uid, alerts, shadow, last FROM rule_totals");
    if (s) {
        int rc = 0;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW)
            each(ctx, (uint64_t)sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1),
                 (uint64_t)sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3));
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_alerts_by_minute(struct catalog *c, evtime since,
                                  void (*each)(void *ctx, evtime minute, const char *severity,
                                               uint64_t n),
                                  void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *s =
        catalog_db_statement(c, "SELECT minute, severity, n FROM minute_totals WHERE minute >= ?1"
                                " ORDER BY minute, severity");
    if (s) {
        int rc = 0;
        sqlite3_bind_int64(s, 1, since);
        while ((rc = sqlite3_step(s)) == SQLITE_ROW)
            each(ctx, sqlite3_column_int64(s, 0), severity_name(sqlite3_column_int(s, 1)),
                 (uint64_t)sqlite3_column_int64(s, 2));
        e = catalog_db_err(c, rc);
        sqlite3_reset(s);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
