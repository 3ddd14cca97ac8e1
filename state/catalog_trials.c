/* SPDX-License-Identifier: Apache-2.0 */
/* Trials and their shares. What both versions found: catalog_trialsfound.c. */
#include "state/catalog_trials.h"
#include "base/mem.h"
#include "state/catalog_db.h"

static enum err insert_share(struct catalog *c, uint64_t uid, const struct catalog_trial_share *s)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO trial_shares SELECT ?1, count(*), ?2, ?3, ?4, ?5, ?6 FROM trial_shares"
           " WHERE uid = ?1");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, uid);
    sqlite3_bind_int64(q, 2, s->w);
    sqlite3_bind_int64(q, 3, s->percent);
    sqlite3_bind_int64(q, 4, s->at);
    catalog_db_bind_text(q, 5, s->author);
    catalog_db_bind_text(q, 6, s->reason);
    return catalog_db_run(c, q);
}

static enum err note_share(struct catalog *c, uint64_t uid, const struct catalog_trial_share *s)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO audit (at, what, name, who, more) SELECT ?2, 'share of a version', name,"
           " ?3, ?4 FROM rules WHERE uid = ?1");
    if (!q)
        return ERR_IO;
    char *more = mem_printf("%u of 100 keys%s%s", s->percent, s->reason != NULL ? ": " : "",
                            s->reason != NULL ? s->reason : "");
    catalog_db_bind_u64(q, 1, uid);
    sqlite3_bind_int64(q, 2, s->at);
    catalog_db_bind_text(q, 3, s->author);
    catalog_db_bind_text(q, 4, more);
    enum err e = catalog_db_run(c, q);
    mem_free(more);
    return e;
}

static enum err insert_trial(struct catalog *c, const struct catalog_trial *t)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "INSERT INTO trials (uid, rule, old, version, state, began, ended, created, author,"
           " reason, copied) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, t->uid);
    catalog_db_bind_u64(q, 2, t->rule);
    sqlite3_bind_int64(q, 3, t->old);
    sqlite3_bind_int64(q, 4, t->version);
    sqlite3_bind_int(q, 5, (int)t->state);
    sqlite3_bind_int64(q, 6, t->began);
    sqlite3_bind_int64(q, 7, t->ended);
    sqlite3_bind_int64(q, 8, t->created);
    catalog_db_bind_text(q, 9, t->author);
    catalog_db_bind_text(q, 10, t->reason);
    sqlite3_bind_int(q, 11, t->copied);
    return catalog_db_run(c, q);
}

enum err catalog_trials_add(struct catalog *c, const struct catalog_trial *t)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = insert_trial(c, t);
        for (unsigned i = 0; e == ERR_OK && i < t->nshares; i++)
            e = insert_share(c, t->uid, &t->shares[i]);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_trials_share(struct catalog *c, uint64_t uid, const struct catalog_trial_share *s)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = insert_share(c, uid, s);
        if (e == ERR_OK)
            e = note_share(c, uid, s);
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_trials_end(struct catalog *c, uint64_t uid, enum catalog_trial_state state,
                            evtime ended)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *q = catalog_db_statement(
            c, "UPDATE trials SET state = ?2, ended = min(ended, ?3) WHERE uid = ?1");
        e = ERR_IO;
        if (q) {
            catalog_db_bind_u64(q, 1, uid);
            sqlite3_bind_int(q, 2, (int)state);
            sqlite3_bind_int64(q, 3, ended);
            e = catalog_db_run(c, q);
        }
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

enum err catalog_trials_became(struct catalog *c, uint64_t uid, uint32_t version)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        sqlite3_stmt *q = catalog_db_statement(c, "UPDATE trials SET became = ?2 WHERE uid = ?1");
        e = ERR_IO;
        if (q) {
            catalog_db_bind_u64(q, 1, uid);
            sqlite3_bind_int64(q, 2, version);
            e = catalog_db_run(c, q);
        }
        e = catalog_db_end(c, e);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}

struct shares {
    struct catalog_trial_share *v;
    size_t n, cap;
};

static void free_shares(struct shares *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_free((void *)(uintptr_t)s->v[i].author);
        mem_free((void *)(uintptr_t)s->v[i].reason);
    }
    mem_free(s->v);
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : mem_str(text);
}

static enum err read_shares(struct catalog *c, uint64_t uid, struct shares *out)
{
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT w, percent, at, author, reason FROM trial_shares WHERE uid = ?1 ORDER BY n");
    if (!q)
        return ERR_IO;
    catalog_db_bind_u64(q, 1, uid);
    int rc = 0;
    while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
        out->v = mem_grow(out->v, out->n, 1, &out->cap, sizeof *out->v);
        out->v[out->n++] =
            (struct catalog_trial_share){.w = sqlite3_column_int64(q, 0),
                                         .percent = (unsigned)sqlite3_column_int64(q, 1),
                                         .at = sqlite3_column_int64(q, 2),
                                         .author = copy(catalog_db_text(q, 3)),
                                         .reason = copy(catalog_db_text(q, 4))};
    }
    sqlite3_reset(q);
    return catalog_db_err(c, rc);
}

static enum err tell(struct catalog *c, sqlite3_stmt *q, catalog_trials_each *each, void *ctx)
{
    enum err e = ERR_OK;
    int rc = 0;
    while (e == ERR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct shares shares = {0};
        struct catalog_trial t = {.uid = (uint64_t)sqlite3_column_int64(q, 0),
                                  .rule = (uint64_t)sqlite3_column_int64(q, 1),
                                  .old = (uint32_t)sqlite3_column_int64(q, 2),
                                  .version = (uint32_t)sqlite3_column_int64(q, 3),
                                  .state = (enum catalog_trial_state)sqlite3_column_int(q, 4),
                                  .began = sqlite3_column_int64(q, 5),
                                  .ended = sqlite3_column_int64(q, 6),
                                  .created = sqlite3_column_int64(q, 7),
                                  .author = catalog_db_text(q, 8),
                                  .reason = catalog_db_text(q, 9),
                                  .copied = sqlite3_column_int(q, 10) != 0,
                                  .became = (uint32_t)sqlite3_column_int64(q, 11)};
        e = read_shares(c, t.uid, &shares);
        t.nshares = (unsigned)shares.n;
        t.shares = shares.v;
        if (e == ERR_OK)
            each(ctx, &t);
        free_shares(&shares);
    }
    sqlite3_reset(q);
    return e == ERR_OK ? catalog_db_err(c, rc) : e;
}

enum err catalog_trials(struct catalog *c, uint64_t rule, catalog_trials_each *each, void *ctx)
{
    enum err e = ERR_IO;
    pthread_mutex_lock(&c->lock);
    sqlite3_stmt *q = catalog_db_statement(
        c, "SELECT uid, rule, old, version, state, began, ended, created, author, reason, copied,"
           " became FROM trials WHERE ?1 = 0 OR rule = ?1 ORDER BY uid DESC");
    if (q) {
        catalog_db_bind_u64(q, 1, rule);
        e = tell(c, q, each, ctx);
    }
    pthread_mutex_unlock(&c->lock);
    return e;
}
