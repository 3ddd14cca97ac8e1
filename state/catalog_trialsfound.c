/* SPDX-License-Identifier: Apache-2.0 */
/* What both versions of a trial have found. A result's id is the same on both sides, so that sets can be compared. */
#include "state/catalog_db.h"
#include "state/catalog_trials.h"

#define HOUR_OF "(time - (time % 3600000 + 3600000) % 3600000)"
/* Of each id: when, by whom it was found (1 old, 2 new, 3 both), who told it. */
#define BY_ID                                                                                      \
    "(SELECT id, min(time) AS time, sum(1 << side) AS found, max(told AND side = 0) AS told_old,"  \
    " max(told AND side = 1) AS told_new FROM trial_results WHERE trial = ?1 GROUP BY id)"
#define SUMS                                                                                       \
    "sum(found = 1), sum(found = 3), sum(found = 2), sum(told_old), sum(told_new) FROM " BY_ID

static enum err put(struct catalog *c, const struct catalog_trial_result *r)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO trial_results (trial, id, side, time, told, key_json, row_json)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET row_json = ?7");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, r->trial);
    catalog_db_bind_text(q, 2, r->id);
    sqlite3_bind_int(q, 3, (int)r->side);
    sqlite3_bind_int64(q, 4, r->time);
    sqlite3_bind_int(q, 5, r->told);
    catalog_db_bind_text(q, 6, r->key_json);
    catalog_db_bind_text(q, 7, r->row_json);
    return catalog_db_run(c, q);
}

static enum err take_out(struct catalog *c, const struct catalog_trial_result *r)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "DELETE FROM trial_results WHERE trial = ?1 AND id = ?2 AND side = ?3");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, r->trial);
    catalog_db_bind_text(q, 2, r->id);
    sqlite3_bind_int(q, 3, (int)r->side);
    return catalog_db_run(c, q);
}

/* Which sides have it. */
static enum err look(struct catalog *c, const struct catalog_trial_result *r, unsigned *sides)
{
    sqlite3_stmt *q =
        catalog_db_statement(c, "SELECT side FROM trial_results WHERE trial = ?1 AND id = ?2");
    int rc = 0;
    *sides = 0;
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, r->trial);
    catalog_db_bind_text(q, 2, r->id);
    while ((rc = sqlite3_step(q)) == SQLITE_ROW)
        *sides |= 1U << (sqlite3_column_int(q, 0) & 1);
    sqlite3_reset(q);
    return catalog_db_err(c, rc);
}

static enum err note(struct catalog *c, struct catalog_trial_result *r)
{
    unsigned side = 1U << r->side;
    enum err e = look(c, r, &r->before);
    r->after = r->retracted ? r->before & ~side : r->before | side;
    if (e != ERR_OK)
        return e;
    return r->retracted ? take_out(c, r) : put(c, r);
}

enum err catalog_trialsfound_note(struct catalog *c, struct catalog_trial_result *r, unsigned n)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        for (unsigned i = 0; e == ERR_OK && i < n; i++)
            e = note(c, &r[i]);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- those that are let go --- */

static enum err fold(struct catalog *c, uint64_t uid, evtime up_to)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO trial_hours SELECT ?1, " HOUR_OF " AS hour, " SUMS
           " WHERE time <= ?2 GROUP BY hour ON CONFLICT DO UPDATE SET"
           " only_old = only_old + excluded.only_old, both = both + excluded.both,"
           " only_new = only_new + excluded.only_new, told_old = told_old + excluded.told_old,"
           " told_new = told_new + excluded.told_new");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, uid);
    sqlite3_bind_int64(q, 2, up_to);
    enum err e = catalog_db_run(c, q);
    if (e != ERR_OK)
        return e;
    q = catalog_db_statement(c, "DELETE FROM trial_results WHERE trial = ?1 AND id IN"
                                " (SELECT id FROM " BY_ID " WHERE time <= ?2)");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, uid);
    sqlite3_bind_int64(q, 2, up_to);
    return catalog_db_run(c, q);
}

/* The time of the first row past the `keep` newest; false: there are not so many. */
static bool too_old(struct catalog *c, uint64_t uid, uint64_t keep, evtime *up_to)
{
    sqlite3_stmt *q = catalog_db_statement(c, "SELECT time FROM trial_results WHERE trial = ?1"
                                              " ORDER BY time DESC LIMIT 1 OFFSET ?2");
    if (!q)
        return false;
    catalog_db_bind_u64(q, 1, uid);
    sqlite3_bind_int64(q, 2, (sqlite3_int64)keep);
    bool found = sqlite3_step(q) == SQLITE_ROW;
    if (found)
        *up_to = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return found;
}

/* The trial with the least number past that one; 0: none. */
static uint64_t next_trial(struct catalog *c, uint64_t after)
{
    uint64_t uid = 0;
    sqlite3_stmt *q =
        catalog_db_statement(c, "SELECT uid FROM trials WHERE uid > ?1 ORDER BY uid LIMIT 1");
    if (!q)
        return 0;
    catalog_db_bind_u64(q, 1, after);
    if (sqlite3_step(q) == SQLITE_ROW)
        uid = (uint64_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return uid;
}

enum err catalog_trialsfound_trim(struct catalog *c, uint64_t keep)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK) {
        evtime up_to = 0;
        for (uint64_t uid = 0; e == ERR_OK && (uid = next_trial(c, uid)) != 0;)
            if (too_old(c, uid, keep, &up_to))
                e = fold(c, uid, up_to);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

/* --- reading --- */

enum err catalog_trialsfound_hours(struct catalog *c, uint64_t uid,
                                   void (*each)(void *ctx, evtime hour,
                                                const struct catalog_trial_sums *s),
                                   void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT hour, sum(o), sum(b), sum(n), sum(t), sum(u) FROM (SELECT hour, only_old AS o,"
           " both AS b, only_new AS n, told_old AS t, told_new AS u FROM trial_hours"
           " WHERE trial = ?1 UNION ALL SELECT " HOUR_OF ", found = 1, found = 3, found = 2,"
           " told_old, told_new FROM " BY_ID ") GROUP BY hour ORDER BY hour");
    if (q) {
        catalog_db_bind_u64(q, 1, uid);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const struct catalog_trial_sums s = {
                .only_old = (uint64_t)sqlite3_column_int64(q, 1),
                .both = (uint64_t)sqlite3_column_int64(q, 2),
                .only_new = (uint64_t)sqlite3_column_int64(q, 3),
                .told_old = (uint64_t)sqlite3_column_int64(q, 4),
                .told_new = (uint64_t)sqlite3_column_int64(q, 5),
            };
            each(ctx, sqlite3_column_int64(q, 0), &s);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_trialsfound_pairs(struct catalog *c, uint64_t uid, enum catalog_trial_class of,
                                   uint64_t skip, unsigned limit,
                                   void (*each)(void *ctx, const struct catalog_trial_pair *p),
                                   void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT r.id, max(key_json), max(time), max(CASE side WHEN 0 THEN row_json END),"
           " max(CASE side WHEN 1 THEN row_json END), max(told AND side = 0),"
           " max(told AND side = 1), max(l.label) FROM trial_results r"
           " LEFT JOIN alert_labels l ON l.id = r.id WHERE trial = ?1 GROUP BY r.id"
           " HAVING sum(1 << side) = ?2 ORDER BY max(time) DESC, r.id LIMIT ?3 OFFSET ?4");
    if (q) {
        catalog_db_bind_u64(q, 1, uid);
        sqlite3_bind_int(q, 2, (int)of);
        sqlite3_bind_int64(q, 3, limit);
        sqlite3_bind_int64(q, 4, (sqlite3_int64)skip);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            const struct catalog_trial_pair p = {.id = catalog_db_text(q, 0),
                                                 .key_json = catalog_db_text(q, 1),
                                                 .time = sqlite3_column_int64(q, 2),
                                                 .old_row = catalog_db_text(q, 3),
                                                 .new_row = catalog_db_text(q, 4),
                                                 .told_old = sqlite3_column_int(q, 5) != 0,
                                                 .told_new = sqlite3_column_int(q, 6) != 0,
                                                 .label = catalog_db_text(q, 7)};
            each(ctx, &p);
        }
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_trialsfound_labels(struct catalog *c, uint64_t uid,
                                    struct catalog_trial_labels out[2])
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT side, sum(label = 'fraud'), sum(label = 'legit') FROM trial_results r"
           " JOIN alert_labels l ON l.id = r.id WHERE trial = ?1 AND told = 1 GROUP BY side");
    out[0] = out[1] = (struct catalog_trial_labels){0};
    if (q) {
        catalog_db_bind_u64(q, 1, uid);
        int rc = 0;
        while ((rc = sqlite3_step(q)) == SQLITE_ROW)
            out[sqlite3_column_int(q, 0) != 0] =
                (struct catalog_trial_labels){(uint64_t)sqlite3_column_int64(q, 1),
                                              (uint64_t)sqlite3_column_int64(q, 2)};
        e = catalog_db_err(c, rc);
        sqlite3_reset(q);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
