/* SPDX-License-Identifier: Apache-2.0 */
/* One change of a list is one transaction: items, the record of who and why, and the edits that a replay needs. */
#include "base/mem.h"
#include "state/catalog_db.h"
#include "state/catalog_lists.h"
#include <string.h>

struct changing {
    struct catalog *c;
    struct catalog_list_change *ch;
    void (*each)(void *ctx, const struct catalog_list_states *s);
    void *ctx;
    struct bytes sample; /* JSON array of the first keys, not closed */
    unsigned nsample;
    uint64_t edits; /* recorded less those taken back */
};

static void note_key(struct changing *k, const char *key)
{
    if (k->nsample >= CATALOG_LISTS_SAMPLE)
        return;
    struct bytes *b = &k->sample;
    bytes_u8(b, k->nsample++ == 0 ? '[' : ',');
    bytes_u8(b, '"');
    for (const char *p = key; *p; p++) {
        if ((unsigned char)*p < 0x20) {
            bytes_printf(b, "\\u%04x", (unsigned)*p);
            continue;
        }
        if (*p == '"' || *p == '\\')
            bytes_u8(b, '\\');
        bytes_u8(b, (uint8_t)*p);
    }
    bytes_u8(b, '"');
}

/* What this change did to the key before, and takes back now, was not done. False: there is no such edit of it. */
static enum err record_again(struct changing *k, const struct catalog_list_states *x, bool *known)
{
    sqlite3_stmt *s = catalog_db_statement(k->c, "UPDATE list_edits SET row = ?4, there = ?5"
                                                 " WHERE list = ?1 AND seq = ?2 AND key = ?3");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, k->ch->list);
    catalog_db_bind_u64(s, 2, k->ch->seq);
    catalog_db_bind_text(s, 3, x->key);
    catalog_db_bind_text(s, 4, x->row);
    sqlite3_bind_int(s, 5, x->row != NULL);
    enum err e = catalog_db_run(k->c, s);
    *known = e == ERR_OK && sqlite3_changes(k->c->db) > 0;
    if (e != ERR_OK || !*known)
        return e;
    s = catalog_db_statement(k->c, "DELETE FROM list_edits WHERE list = ?1 AND seq = ?2"
                                   " AND key = ?3 AND row IS before");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, k->ch->list);
    catalog_db_bind_u64(s, 2, k->ch->seq);
    catalog_db_bind_text(s, 3, x->key);
    if ((e = catalog_db_run(k->c, s)) == ERR_OK && sqlite3_changes(k->c->db) > 0)
        k->edits--;
    return e;
}

/* The key came, went, or has another row. */
static enum err record(struct changing *k, const struct catalog_list_states *x)
{
    bool known = false;
    note_key(k, x->key);
    if (k->each != NULL)
        k->each(k->ctx, x);
    if (!k->ch->cut)
        return ERR_OK;
    enum err e = record_again(k, x, &known);
    if (e != ERR_OK || known)
        return e;
    sqlite3_stmt *s =
        catalog_db_statement(k->c, "INSERT INTO list_edits (list, seq, key, there, before, row)"
                                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, k->ch->list);
    catalog_db_bind_u64(s, 2, k->ch->seq);
    catalog_db_bind_text(s, 3, x->key);
    sqlite3_bind_int(s, 4, x->row != NULL);
    catalog_db_bind_text(s, 5, x->before);
    catalog_db_bind_text(s, 6, x->row);
    k->edits++;
    return catalog_db_run(k->c, s);
}

/* The row of a key as it is; *row is the caller's, NULL: it is not there. */
static enum err row_of(struct changing *k, const char *key, char **row)
{
    sqlite3_stmt *s =
        catalog_db_statement(k->c, "SELECT row FROM list_items WHERE list = ?1 AND key = ?2");
    *row = NULL;
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, k->ch->list);
    catalog_db_bind_text(s, 2, key);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        *row = mem_str(catalog_db_text(s, 0));
    sqlite3_reset(s);
    return catalog_db_err(k->c, rc);
}

static void bind_item(const struct catalog_list_change *ch, const struct catalog_list_edit *i,
                      sqlite3_stmt *s)
{
    catalog_db_bind_u64(s, 1, ch->list);
    catalog_db_bind_text(s, 2, i->key);
    catalog_db_bind_text(s, 3, i->row);
    catalog_db_bind_u64(s, 4, ch->seq);
    sqlite3_bind_int64(s, 5, ch->at);
    catalog_db_bind_time(s, 6, ch->expires);
    catalog_db_bind_text(s, 7, ch->who);
    catalog_db_bind_text(s, 8, ch->reason);
}

/* An item that is there: touched, and given another row or time if it has others. */
static enum err update_item(struct changing *k, const struct catalog_list_edit *i,
                            const char *before)
{
    struct catalog_list_change *ch = k->ch;
    sqlite3_stmt *s = catalog_db_statement(
        k->c, "UPDATE list_items SET row = ?3, changed = ?5, who = ?7, reason = ?8,"
              " expires = CASE WHEN ?9 THEN expires ELSE ?6 END WHERE list = ?1 AND key = ?2"
              " AND ?10 = 0 AND (row <> ?3 OR (?9 = 0 AND expires IS NOT ?6))");
    if (!s)
        return ERR_IO;
    bind_item(ch, i, s);
    sqlite3_bind_int(s, 9, ch->keep_expiry);
    sqlite3_bind_int(s, 10, ch->keep);
    enum err e = catalog_db_run(k->c, s);
    if (e != ERR_OK || sqlite3_changes(k->c->db) == 0)
        return e;
    ch->changed++;
    if (strcmp(before, i->row) != 0)
        return record(k, &(struct catalog_list_states){i->key, before, i->row});
    note_key(k, i->key);
    return ERR_OK;
}

static enum err put_item(struct changing *k, const struct catalog_list_edit *i)
{
    struct catalog_list_change *ch = k->ch;
    sqlite3_stmt *s =
        catalog_db_statement(k->c, "INSERT INTO list_items (list, key, row, seq, added, changed,"
                                   " expires, who, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7,"
                                   " ?8) ON CONFLICT DO NOTHING");
    if (!s)
        return ERR_IO;
    bind_item(ch, i, s);
    enum err e = catalog_db_run(k->c, s);
    if (e != ERR_OK)
        return e;
    if (sqlite3_changes(k->c->db) > 0) {
        ch->added++;
        return record(k, &(struct catalog_list_states){i->key, NULL, i->row});
    }
    char *before = NULL;
    if ((e = row_of(k, i->key, &before)) == ERR_OK && before != NULL)
        e = update_item(k, i, before);
    mem_free(before);
    if (e != ERR_OK || !ch->replace)
        return e;
    s = catalog_db_statement(k->c, "UPDATE list_items SET seq = ?3 WHERE list = ?1 AND key = ?2");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, ch->list);
    catalog_db_bind_text(s, 2, i->key);
    catalog_db_bind_u64(s, 3, ch->seq);
    return catalog_db_run(k->c, s);
}

static enum err take_item(struct changing *k, const char *key)
{
    char *before = NULL;
    enum err e = row_of(k, key, &before);
    if (e != ERR_OK || before == NULL)
        return e;
    sqlite3_stmt *s =
        catalog_db_statement(k->c, "DELETE FROM list_items WHERE list = ?1 AND key = ?2");
    e = ERR_IO;
    if (s) {
        catalog_db_bind_u64(s, 1, k->ch->list);
        catalog_db_bind_text(s, 2, key);
        e = catalog_db_run(k->c, s);
    }
    if (e == ERR_OK) {
        k->ch->removed++;
        e = record(k, &(struct catalog_list_states){key, before, NULL});
    }
    mem_free(before);
    return e;
}

struct keys {
    char **v;
    size_t n, cap;
};

/* All that this change has not put. */
static enum err take_others(struct changing *k)
{
    struct keys keys = {0};
    int rc = 0;
    enum err e = ERR_IO;
    sqlite3_stmt *s =
        catalog_db_statement(k->c, "SELECT key FROM list_items WHERE list = ?1 AND seq <> ?2");
    if (!s)
        return e;
    catalog_db_bind_u64(s, 1, k->ch->list);
    catalog_db_bind_u64(s, 2, k->ch->seq);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        keys.v = mem_grow(keys.v, keys.n, 1, &keys.cap, sizeof(char *));
        keys.v[keys.n++] = mem_str(catalog_db_text(s, 0));
    }
    sqlite3_reset(s);
    e = catalog_db_err(k->c, rc);
    for (size_t i = 0; i < keys.n; i++) {
        if (e == ERR_OK)
            e = take_item(k, keys.v[i]);
        mem_free(keys.v[i]);
    }
    mem_free(keys.v);
    return e;
}

static enum err insert_change(struct changing *k)
{
    struct catalog_list_change *ch = k->ch;
    sqlite3_stmt *s = catalog_db_statement(
        k->c, "INSERT INTO list_changes (list, at, what, who, reason) VALUES (?1, ?2, ?3, ?4, ?5)");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, ch->list);
    sqlite3_bind_int64(s, 2, ch->at);
    catalog_db_bind_text(s, 3, ch->what);
    catalog_db_bind_text(s, 4, ch->who);
    catalog_db_bind_text(s, 5, ch->reason);
    enum err e = catalog_db_run(k->c, s);
    if (e == ERR_OK)
        ch->seq = (uint64_t)sqlite3_last_insert_rowid(k->c->db);
    return e;
}

static enum err insert_marks(struct changing *k)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && k->edits > 0 && i < k->ch->nmarks; i++) {
        const struct catalog_list_mark *m = &k->ch->marks[i];
        sqlite3_stmt *s =
            catalog_db_statement(k->c, "INSERT INTO list_marks VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        if (!s)
            return ERR_IO;
        catalog_db_bind_u64(s, 1, k->ch->list);
        catalog_db_bind_u64(s, 2, k->ch->seq);
        sqlite3_bind_int64(s, 3, m->stream);
        sqlite3_bind_int64(s, 4, m->partition);
        catalog_db_bind_u64(s, 5, m->offset);
        sqlite3_bind_int64(s, 6, m->w);
        e = catalog_db_run(k->c, s);
    }
    return e;
}

static enum err fold(struct catalog *c, uint64_t list, uint64_t folded)
{
    static const char *const sql[] = {
        "UPDATE lists SET edits = edits - (SELECT count(*) FROM list_edits WHERE list = ?1"
        " AND seq <= ?2) WHERE uid = ?1",
        "DELETE FROM list_edits WHERE list = ?1 AND seq <= ?2",
        "DELETE FROM list_marks WHERE list = ?1 AND seq <= ?2",
        "DELETE FROM list_changes WHERE list = ?1 AND seq <= ?2 AND seq <= (SELECT seq FROM"
        " list_changes WHERE list = ?1 ORDER BY seq DESC LIMIT 1 OFFSET 1000)"};
    _Static_assert(CATALOG_LISTS_HISTORY == 1000, "the text above has it");
    enum err e = ERR_OK;
    for (unsigned i = 0; i < sizeof sql / sizeof *sql && e == ERR_OK; i++) {
        sqlite3_stmt *s = catalog_db_statement(c, sql[i]);
        if (!s)
            return ERR_IO;
        catalog_db_bind_u64(s, 1, list);
        catalog_db_bind_u64(s, 2, folded > INT64_MAX ? INT64_MAX : folded);
        e = catalog_db_run(c, s);
    }
    return e;
}

/* Sums of the change and of its list, held against the limits. */
static enum err close_change(struct changing *k)
{
    struct catalog_list_change *ch = k->ch;
    sqlite3_stmt *s = catalog_db_statement(
        k->c, "UPDATE list_changes SET added = ?2, removed = ?3, changed = ?4, keys = ?5"
              " WHERE seq = ?1");
    if (!s)
        return ERR_IO;
    bytes_put(&k->sample, k->nsample ? "]" : "[]", k->nsample ? 2 : 3);
    catalog_db_bind_u64(s, 1, ch->seq);
    catalog_db_bind_u64(s, 2, ch->added);
    catalog_db_bind_u64(s, 3, ch->removed);
    catalog_db_bind_u64(s, 4, ch->changed);
    catalog_db_bind_text(s, 5, (const char *)k->sample.p);
    enum err e = catalog_db_run(k->c, s);
    if (e != ERR_OK || (e = fold(k->c, ch->list, ch->folded)) != ERR_OK)
        return e;
    s = catalog_db_statement(k->c,
                             "UPDATE lists SET updated = ?2, items = items + ?3, edits = edits + ?4"
                             " WHERE uid = ?1 RETURNING items, edits");
    if (!s)
        return ERR_IO;
    catalog_db_bind_u64(s, 1, ch->list);
    sqlite3_bind_int64(s, 2, ch->at);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)(ch->added - ch->removed));
    sqlite3_bind_int64(s, 4, (sqlite3_int64)k->edits);
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW) {
        sqlite3_reset(s);
        return rc == SQLITE_DONE ? ERR_NOT_FOUND : catalog_db_err(k->c, rc);
    }
    uint64_t items = (uint64_t)sqlite3_column_int64(s, 0);
    uint64_t edits = (uint64_t)sqlite3_column_int64(s, 1);
    if ((e = catalog_db_run(k->c, s)) != ERR_OK)
        return e;
    if (ch->added > 0 && items > ch->max_items)
        ch->too_many = "items";
    else if (k->edits > 0 && edits > ch->max_changes)
        ch->too_many = "changes";
    return ch->too_many != NULL ? ERR_LIMIT : ERR_OK;
}

static enum err make_change(struct changing *k)
{
    struct catalog_list_change *ch = k->ch;
    enum err e = insert_change(k);
    for (size_t i = 0; i < ch->n && e == ERR_OK; i++)
        e = ch->edits[i].row != NULL ? put_item(k, &ch->edits[i]) : take_item(k, ch->edits[i].key);
    if (e == ERR_OK && ch->replace)
        e = take_others(k);
    if (e == ERR_OK)
        e = insert_marks(k);
    return e == ERR_OK ? close_change(k) : e;
}

enum err catalog_listedit(struct catalog *c, struct catalog_list_change *ch,
                          void (*each)(void *ctx, const struct catalog_list_states *s), void *ctx)
{
    struct changing k = {.c = c, .ch = ch, .each = each, .ctx = ctx};
    ch->added = ch->removed = ch->changed = ch->seq = 0;
    ch->too_many = NULL;
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, true);
    if (e == ERR_OK) {
        e = make_change(&k);
        bool nothing = e == ERR_OK && ch->added + ch->removed + ch->changed == 0;
        enum err ended = catalog_db_end(c, nothing ? ERR_NOT_FOUND : e);
        if (nothing)
            ch->seq = 0; /* rolled back */
        else
            e = ended;
    }
    pthread_mutex_unlock(&c->lock);
    bytes_fini(&k.sample);
    return e;
}

enum err catalog_listedit_fold(struct catalog *c, uint64_t list, uint64_t folded)
{
    pthread_mutex_lock(&c->lock);
    enum err e = catalog_db_begin(c, false);
    if (e == ERR_OK)
        e = catalog_db_end(c, fold(c, list, folded));
    pthread_mutex_unlock(&c->lock);
    return e;
}
