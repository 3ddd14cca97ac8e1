/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/catalog_lists.h"
#include "tests/lib/check.h"
#include "tests/lib/oldcatalog.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

struct place {
    char dir[64], path[96];
    struct catalog *c;
    uint64_t list;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    struct diag d;
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-lists-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/catalogue.db", p->dir);
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(p->path, &d, &p->c));
    struct catalog_list l = {.name = "blocked", .sql = "S", .created = 5};
    assert_ok(catalog_lists_add(p->c, &l));
    p->list = l.uid;
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct place *p = *state;
    char path[128];
    catalog_close(p->c);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", p->path, ends[i]);
        unlink(path);
    }
    rmdir(p->dir);
    mem_free(p);
    return 0;
}

/* What is told, one after the other, as one text. */
static void note_op(void *ctx, const struct catalog_list_states *s)
{
    bytes_printf(ctx, "%c%s ", s->row == NULL ? '-' : s->before == NULL ? '+' : '~', s->key);
}

static void note_list(void *ctx, const struct catalog_list *l)
{
    bytes_printf(ctx, "%s:%llu:%llu ", l->name, (unsigned long long)l->items,
                 (unsigned long long)l->edits);
}

static void note_item(void *ctx, const struct catalog_list_item *i)
{
    bytes_printf(ctx, "%s=%s@%lld/%s ", i->key, i->row,
                 i->expires == EVTIME_MIN ? -1LL : (long long)i->expires, i->who ? i->who : "-");
}

static void note_edit(void *ctx, uint64_t seq, const struct catalog_list_states *s)
{
    bytes_printf(ctx, "%llu%c%s ", (unsigned long long)seq,
                 s->row == NULL      ? '-'
                 : s->before == NULL ? '+'
                                     : '~',
                 s->key);
}

static void note_cut(void *ctx, uint64_t seq, unsigned n, const struct catalog_list_mark *m)
{
    bytes_printf(ctx, "%llu:", (unsigned long long)seq);
    for (unsigned i = 0; i < n; i++)
        bytes_printf(ctx, "(%u,%u,%llu)", m[i].stream, m[i].partition,
                     (unsigned long long)m[i].offset);
}

static void note_told(void *ctx, const struct catalog_list_told *t)
{
    bytes_printf(ctx, "%s/%s/%s +%llu-%llu~%llu %s; ", t->what, t->who ? t->who : "-",
                 t->reason ? t->reason : "-", (unsigned long long)t->added,
                 (unsigned long long)t->removed, (unsigned long long)t->changed, t->keys);
}

static void note_expired(void *ctx, const char *key)
{
    bytes_printf(ctx, "%s ", key);
}

static void note_key(void *ctx, const char *key, const char *row)
{
    (void)row;
    bytes_printf(ctx, "%s ", key);
}

static void told(struct bytes *b, const char *expected)
{
    bytes_u8(b, 0);
    assert_string_equal((const char *)b->p, expected);
    bytes_reset(b);
}

static struct catalog_list_change change_of(const struct place *p,
                                            const struct catalog_list_edit *edits, size_t n)
{
    return (struct catalog_list_change){.list = p->list,
                                        .what = "edit",
                                        .who = "ann",
                                        .reason = "why",
                                        .at = 100,
                                        .expires = EVTIME_MIN,
                                        .n = n,
                                        .edits = edits,
                                        .max_items = 100,
                                        .max_changes = 100};
}

static void a_change_is_told_stored_and_remembered(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit edits[] = {{"b", "{1}"}, {"a", "{2}"}, {"b", "{3}"}};
    struct catalog_list_change ch = change_of(p, edits, 3);
    ch.expires = 500;
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    told(&b, "+b +a ~b ");
    assert_int_equal(ch.added, 2);
    assert_int_equal(ch.changed, 1);
    assert_ok(catalog_lists_items(p->c, p->list, NULL, NULL, 10, note_item, &b));
    told(&b, "a={2}@500/ann b={3}@500/ann ");
    assert_ok(catalog_lists_items(p->c, p->list, "a", NULL, 10, note_item, &b));
    told(&b, "b={3}@500/ann ");
    assert_ok(catalog_lists_items(p->c, p->list, NULL, "2}", 10, note_item, &b));
    told(&b, "a={2}@500/ann ");
    assert_ok(catalog_lists_items(p->c, p->list, NULL, "%", 10, note_item, &b));
    told(&b, "");
    assert_ok(catalog_lists_get(p->c, "BLOCKED", note_list, &b));
    told(&b, "blocked:2:0 "); /* no rule reads it: nothing is kept for a replay */
    assert_ok(catalog_lists_history(p->c, p->list, 0, 10, note_told, &b));
    told(&b, "edit/ann/why +2-0~1 [\"b\",\"a\",\"b\"]; ");
    bytes_fini(&b);
}

static void what_is_so_already_is_no_change(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit put[] = {{"a", "{}"}}, take[] = {{"zz", NULL}};
    struct catalog_list_change ch = change_of(p, put, 1);
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    assert_true(ch.seq > 0);
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    assert_int_equal(ch.seq, 0);
    ch = change_of(p, take, 1);
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    assert_int_equal(ch.seq, 0);
    told(&b, "+a ");
    const struct catalog_list_edit other[] = {{"a", "{x}"}};
    ch = change_of(p, other, 1);
    ch.keep = true;
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    assert_int_equal(ch.seq, 0);
    ch.keep = false;
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    assert_int_equal(ch.changed, 1);
    assert_ok(catalog_lists_history(p->c, p->list, 0, 10, note_told, &b));
    told(&b, "~a edit/ann/why +0-0~1 [\"a\"]; edit/ann/why +1-0~0 [\"a\"]; ");
    bytes_fini(&b);
}

static void edits_with_a_cut_are_kept_until_they_are_folded(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_mark marks[] = {{7, 0, 10, 1}, {7, 1, 20, 2}};
    const struct catalog_list_edit first[] = {{"a", "{}"}, {"b", "{}"}, {"c", "{}"}, {"c", NULL}};
    const struct catalog_list_edit second[] = {{"a", NULL}};
    struct catalog_list_change ch = change_of(p, first, 4);
    ch.cut = true;
    ch.nmarks = 2;
    ch.marks = marks;
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    told(&b, "+a +b +c -c ");
    uint64_t seq = ch.seq;
    ch.n = 1;
    ch.edits = second;
    ch.nmarks = 1;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    assert_int_equal(ch.seq, seq + 1);
    assert_ok(catalog_lists_edits(p->c, p->list, note_edit, &b));
    told(&b, "1+a 1+b 2-a ");
    assert_ok(catalog_lists_cuts(p->c, p->list, note_cut, &b));
    told(&b, "1:(7,0,10)(7,1,20)2:(7,0,10)");
    assert_ok(catalog_lists_keys(p->c, p->list, note_key, &b));
    told(&b, "b ");
    assert_ok(catalog_listedit_fold(p->c, p->list, seq));
    assert_ok(catalog_lists_edits(p->c, p->list, note_edit, &b));
    told(&b, "2-a ");
    assert_ok(catalog_lists_cuts(p->c, p->list, note_cut, &b));
    told(&b, "2:(7,0,10)");
    assert_ok(catalog_lists_get(p->c, "blocked", note_list, &b));
    told(&b, "blocked:1:1 ");
    assert_ok(catalog_lists_seq(p->c, &seq));
    assert_int_equal(seq, 2);
    bytes_fini(&b);
}

static void a_replacement_takes_out_what_it_does_not_name(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit first[] = {{"a", "{}"}, {"b", "{}"}, {"c", "{}"}};
    const struct catalog_list_edit second[] = {{"d", "{}"}, {"b", "{}"}};
    struct catalog_list_change ch = change_of(p, first, 3);
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    ch = change_of(p, second, 2);
    ch.replace = true;
    assert_ok(catalog_listedit(p->c, &ch, note_op, &b));
    told(&b, "+d -a -c ");
    assert_int_equal(ch.changed, 0);
    assert_ok(catalog_lists_keys(p->c, p->list, note_key, &b));
    told(&b, "b d ");
    bytes_fini(&b);
}

static void past_a_limit_nothing_is_changed(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit first[] = {{"a", "{}"}, {"b", "{}"}}, less[] = {{"a", NULL}};
    struct catalog_list_change ch = change_of(p, first, 2);
    ch.max_items = 1;
    assert_err(catalog_listedit(p->c, &ch, NULL, NULL), ERR_LIMIT);
    assert_string_equal(ch.too_many, "items");
    ch.max_items = 2;
    ch.cut = true;
    ch.max_changes = 1;
    assert_err(catalog_listedit(p->c, &ch, NULL, NULL), ERR_LIMIT);
    assert_string_equal(ch.too_many, "changes");
    assert_ok(catalog_lists_get(p->c, "blocked", note_list, &b));
    told(&b, "blocked:0:0 ");
    ch.max_changes = 2;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    ch = change_of(p, less, 1); /* fewer items are always taken */
    ch.max_items = 0;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    ch.list = 99;
    assert_err(catalog_listedit(p->c, &ch, NULL, NULL), ERR_NOT_FOUND);
    bytes_fini(&b);
}

static void items_that_are_due_are_found_by_their_time(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit first[] = {{"a", "{}"}}, second[] = {{"b", "{}"}};
    const struct catalog_list_edit never[] = {{"c", "{}"}};
    struct catalog_list_change ch = change_of(p, first, 1);
    uint64_t list = 0;
    ch.expires = 300;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    ch.edits = second;
    ch.expires = 200;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    ch.edits = never;
    ch.expires = EVTIME_MIN;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    assert_ok(catalog_lists_expired(p->c, 199, 10, &list, note_expired, &b));
    assert_int_equal(list, 0);
    assert_ok(catalog_lists_expired(p->c, 300, 10, &list, note_expired, &b));
    told(&b, "b a ");
    assert_int_equal(list, p->list);
    const struct catalog_list_edit again[] = {{"b", "{2}"}};
    ch.edits = again; /* another row, the same time */
    ch.keep_expiry = true;
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    assert_ok(catalog_lists_item_get(p->c, p->list, "b", note_item, &b));
    told(&b, "b={2}@200/ann ");
    assert_err(catalog_lists_item_get(p->c, p->list, "zz", note_item, &b), ERR_NOT_FOUND);
    bytes_fini(&b);
}

static void a_list_that_is_gone_leaves_nothing(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    const struct catalog_list_edit first[] = {{"a", "{}"}};
    struct catalog_list_change ch = change_of(p, first, 1);
    struct catalog_list twin = {.name = "Blocked", .sql = "S"};
    assert_ok(catalog_listedit(p->c, &ch, NULL, NULL));
    assert_err(catalog_lists_add(p->c, &twin), ERR_EXISTS);
    assert_ok(catalog_lists_remove(p->c, p->list));
    assert_err(catalog_lists_get(p->c, "blocked", note_list, &b), ERR_NOT_FOUND);
    assert_ok(catalog_lists_add(p->c, &twin));
    assert_int_not_equal(twin.uid, p->list);
    assert_ok(catalog_lists_keys(p->c, p->list, note_key, &b));
    told(&b, "");
    bytes_fini(&b);
}

static void a_catalogue_of_the_first_version_is_brought_up(void **state)
{
    struct place *p = *state;
    struct bytes b = {0};
    sqlite3 *db = NULL;
    struct diag d;
    struct catalog_rule r = {.name = (char[]){"r"}, .sql = (char[]){"S"}};
    assert_ok(catalog_rules_add(p->c, &r));
    catalog_close(p->c);
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     OLDCATALOG_5
                     "DROP TABLE lists; DROP TABLE list_items; DROP TABLE list_edits;"
                     "DROP TABLE list_changes; DROP TABLE list_marks;"
                     "DROP TABLE alert_revisions; ALTER TABLE alerts DROP COLUMN replaces;"
                     "ALTER TABLE alerts DROP COLUMN replaced_by;"
                     "ALTER TABLE rules DROP COLUMN lists_seq; PRAGMA user_version=1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(p->path, &d, &p->c));
    uint64_t uid = 0;
    assert_ok(catalog_rules_find(p->c, "r", &uid));
    struct catalog_list l = {.name = "blocked", .sql = "S"};
    assert_ok(catalog_lists_add(p->c, &l));
    assert_ok(catalog_lists(p->c, note_list, &b));
    told(&b, "blocked:0:0 ");
    bytes_fini(&b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(a_change_is_told_stored_and_remembered), T(what_is_so_already_is_no_change),
              T(edits_with_a_cut_are_kept_until_they_are_folded),
              T(a_replacement_takes_out_what_it_does_not_name), T(past_a_limit_nothing_is_changed),
              T(items_that_are_due_are_found_by_their_time), T(a_list_that_is_gone_leaves_nothing),
              T(a_catalogue_of_the_first_version_is_brought_up));
}
