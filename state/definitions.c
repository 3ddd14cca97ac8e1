/* SPDX-License-Identifier: Apache-2.0 */
#include "state/definitions.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "state/catalog.h"
#include <sqlite3.h>
#include <string.h>

enum { BUSY_MS = 5000 };

/* What rules have found, and what follows from that. */
static const char *const left_out[] = {
    "alerts",   "alert_details", "alert_revisions",   "rule_totals", "minute_totals",
    "totals",   "dead_letters",  "dead_letter_rules", "dead_floors", "dead_marks",
    "timeouts", "audit",         "trial_results",     "trial_hours", "alert_labels",
};

struct definitions {
    sqlite3 *db;
};

static enum err fails(struct diag *d, const char *path, sqlite3 *db)
{
    diag_say(d, "savepoint", NULL, "%s: %s", path,
             db == NULL ? "cannot be opened" : sqlite3_errmsg(db));
    return ERR_IO;
}

enum err definitions_prepare(const char *to, struct diag *d)
{
    struct catalog *c = NULL;
    enum err e = catalog_open(to, d, &c);
    if (e != ERR_OK)
        return e;
    catalog_close(c);
    /* One file, that can be read from a folder which cannot be written to. */
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK)
        e = fails(d, to, db);
    sqlite3_close(db);
    return e;
}

enum err definitions_begin(const char *catalogue, const char *to, struct diag *d,
                           struct definitions **out)
{
    struct definitions *x = mem_new(sizeof *x);
    char *attach = sqlite3_mprintf("ATTACH %Q AS copy", to);
    enum err e = ERR_OK;
    if (sqlite3_open_v2(catalogue, &x->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        e = fails(d, catalogue, x->db);
    if (e == ERR_OK)
        sqlite3_busy_timeout(x->db, BUSY_MS);
    /* The snapshot is that of the first thing read. */
    if (e == ERR_OK && (sqlite3_exec(x->db, attach, NULL, NULL, NULL) != SQLITE_OK ||
                        sqlite3_exec(x->db, "BEGIN; SELECT 1 FROM main.streams LIMIT 1", NULL, NULL,
                                     NULL) != SQLITE_OK))
        e = fails(d, catalogue, x->db);
    sqlite3_free(attach);
    if (e == ERR_OK)
        *out = x;
    else
        definitions_abandon(x);
    return e;
}

void definitions_abandon(struct definitions *x)
{
    if (x == NULL)
        return;
    sqlite3_close(x->db);
    mem_free(x);
}

static bool is_left_out(const char *table)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(table, left_out[i]) == 0)
            return true;
    return strncmp(table, "sqlite_", 7) == 0;
}

static int put_table(void *text, int n, char **values, char **names)
{
    (void)n, (void)names;
    if (is_left_out(values[0]))
        return 0;
    char *sql = sqlite3_mprintf("DELETE FROM copy.\"%w\";"
                                "INSERT INTO copy.\"%w\" SELECT * FROM main.\"%w\";",
                                values[0], values[0], values[0]);
    bytes_put(text, sql, strlen(sql));
    sqlite3_free(sql);
    return 0;
}

enum err definitions_end(struct definitions *x, struct diag *d)
{
    struct bytes sql = {0};
    int rc = sqlite3_exec(x->db, "SELECT name FROM main.sqlite_schema WHERE type = 'table'",
                          put_table, &sql, NULL);
    /* Numbers of what was deleted are not to be used again. */
    static const char sequence[] =
        "DELETE FROM copy.sqlite_sequence;"
        "INSERT INTO copy.sqlite_sequence SELECT * FROM main.sqlite_sequence WHERE name IN"
        " ('streams', 'rules', 'lists', 'list_changes', 'tables');"
        "COMMIT";
    bytes_put(&sql, sequence, sizeof sequence);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(x->db, (const char *)sql.p, NULL, NULL, NULL);
    enum err e = rc == SQLITE_OK ? ERR_OK : fails(d, "the definitions cannot be copied", x->db);
    bytes_fini(&sql);
    definitions_abandon(x);
    return e;
}
