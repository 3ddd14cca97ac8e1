/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/catalog_dead.h"
#include "tests/lib/check.h"
#include "tests/lib/oldcatalog.h"
#include <sqlite3.h>
#include <stdlib.h>

enum { KEEP = 100 };

struct place {
    struct catalog *c;
    char folder[64], path[96];
};

static void open_it(struct place *p)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(p->path, &d, &p->c));
    diag_fini(&d);
}

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    strcpy(p->folder, "/tmp/weir-dead-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/catalogue.db", p->folder);
    open_it(p);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    catalog_close(p->c);
    char *command = mem_printf("rm -rf '%s'", p->folder);
    int rc = system(command);
    mem_free(command);
    mem_free(p);
    return rc;
}

static struct catalog_dead_letter refused(const char *raw)
{
    return (struct catalog_dead_letter){.kind = "error",
                                        .stream = 1,
                                        .offset = UINT64_MAX,
                                        .code = "not-json",
                                        .reason = "no",
                                        .raw = raw,
                                        .raw_len = strlen(raw)};
}

static struct catalog_dead_letter late(uint64_t offset, const char *rule)
{
    return (struct catalog_dead_letter){.kind = "late",
                                        .stream = 1,
                                        .offset = offset,
                                        .rule = rule,
                                        .code = "late",
                                        .reason = "it came late",
                                        .raw = "{}",
                                        .raw_len = 2};
}

static void add(struct place *p, struct catalog_dead_letter d)
{
    assert_ok(catalog_dead_add(p->c, &d, 1, KEEP));
}

static void note(void *ctx, const struct catalog_dead_letter *d)
{
    bytes_printf(ctx, "%llu %s %.*s %s;", (unsigned long long)d->id, d->code, (int)d->raw_len,
                 d->raw ? d->raw : "", d->rules_json);
}

static void expect(struct place *p, const struct catalog_dead_filter *f, const char *wanted)
{
    struct bytes out = {0};
    assert_ok(catalog_deadlook_list(p->c, f, 1000, note, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, wanted);
    bytes_fini(&out);
}

static uint64_t count(struct place *p, const struct catalog_dead_filter *f)
{
    uint64_t n = 0;
    assert_ok(catalog_deadlook_count(p->c, f, &n));
    return n;
}

static const struct catalog_dead_filter all;

static void the_newest_letters_are_kept(void **state)
{
    struct place *p = *state;
    enum { ROUNDS = 40, EACH = 25 };
    struct catalog_dead_letter d[EACH];
    for (unsigned i = 0; i < EACH; i++)
        d[i] = refused("{x");
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_ok(catalog_dead_add(p->c, d, EACH, KEEP));
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 0, &n));
    assert_true(n.dead_letters >= KEEP && n.dead_letters < 2 * KEEP + 256);
    assert_int_equal(n.dead_kept, n.dead_letters);
    assert_int_equal(count(p, &all), n.dead_letters);
    struct catalog_dead_filter newest = {.before_id = 1001, .up_to = 1000};
    struct bytes out = {0};
    assert_ok(catalog_deadlook_list(p->c, &newest, 2, note, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, "1000 not-json {x [];999 not-json {x [];");
    bytes_fini(&out);
}

static void a_late_row_is_one_letter_for_all_rules(void **state)
{
    struct place *p = *state;
    for (unsigned i = 0; i < 3; i++) {
        add(p, late(7, "seq"));
        add(p, late(7, "travel"));
    }
    struct catalog_dead_letter e = late(7, "seq");
    e.kind = "error";
    add(p, e);
    e.rule = "travel"; /* each says something of its own */
    add(p, e);
    expect(p, &(struct catalog_dead_filter){.kind = "late"}, "1 late {} [\"seq\",\"travel\"];");
    assert_int_equal(count(p, &(struct catalog_dead_filter){.rule = "TRAVEL"}), 2);
    assert_int_equal(count(p, &(struct catalog_dead_filter){.kind = "error"}), 2);
    assert_int_equal(count(p, &(struct catalog_dead_filter){.not_of_rules = true}), 0);
}

static void what_was_deleted_or_let_go_does_not_come_back(void **state)
{
    struct place *p = *state;
    enum { MANY = 1000 };
    uint64_t deleted = 0;
    add(p, late(5, "seq"));
    assert_ok(catalog_deadsend_delete(p->c, &(struct catalog_dead_filter){.id = 1}, KEEP, "ann",
                                      &deleted));
    assert_int_equal(deleted, 1);
    add(p, late(5, "seq")); /* a replay */
    add(p, late(5, "travel"));
    expect(p, &all, "");
    for (uint64_t i = 6; i < MANY; i++)
        add(p, late(i, "seq"));
    uint64_t kept = count(p, &all);
    assert_true(kept >= KEEP && kept <= KEEP + 256);
    for (uint64_t i = 0; i < MANY; i++)
        add(p, late(i, "seq"));
    assert_int_equal(count(p, &all), kept);
    add(p, late(MANY, "seq"));
    assert_true(count(p, &(struct catalog_dead_filter){.up_to = 0}) > 0);
    assert_int_equal(count(p, &(struct catalog_dead_filter){.contains = "{}"}), count(p, &all));
    assert_ok(catalog_dead_expire(p->c, 1)); /* all are of 1970 */
    assert_int_equal(count(p, &all), 0);
}

static void what_the_log_has_is_taken_once(void **state)
{
    struct place *p = *state;
    uint64_t next = 9, deleted = 0;
    assert_ok(catalog_dead_mark(p->c, 1, &next));
    assert_int_equal(next, 0);
    for (unsigned twice = 0; twice < 2; twice++)
        for (uint64_t i = 1; i <= 5; i++) {
            struct catalog_dead_letter d = refused("{");
            d.logged = i;
            add(p, d);
        }
    assert_int_equal(count(p, &all), 5);
    assert_ok(catalog_deadsend_delete(p->c, &(struct catalog_dead_filter){.kind = "error"}, KEEP,
                                      "ann", &deleted));
    assert_int_equal(deleted, 5);
    struct catalog_dead_letter d = refused("{");
    d.logged = 5;
    add(p, d);
    assert_int_equal(count(p, &all), 0);
    assert_ok(catalog_dead_mark(p->c, 1, &next));
    assert_int_equal(next, 5);
}

static void note_id(void *ctx, const struct catalog_dead_letter *d)
{
    bytes_printf(ctx, "%llu=%.*s;", (unsigned long long)d->id,
                 (int)(d->edited ? d->edited_len : d->raw_len), d->edited ? d->edited : d->raw);
}

static void note_state(void *ctx, const struct catalog_dead_letter *d)
{
    bytes_printf(ctx, "%llu %d %s %u %llu;", (unsigned long long)d->id, (int)d->state, d->code,
                 d->tries, (unsigned long long)d->sent_offset);
}

static void a_letter_is_edited_taken_and_settled(void **state)
{
    struct place *p = *state;
    struct bytes out = {0};
    for (unsigned i = 0; i < 4; i++)
        add(p, refused(i == 3 ? "[3]" : "{"));
    assert_ok(catalog_deadsend_edit(p->c, 2, "{\"a\":1}", 7, 5, "ann"));
    assert_err(catalog_deadsend_edit(p->c, 77, "{}", 2, 5, NULL), ERR_NOT_FOUND);
    assert_ok(catalog_deadsend_take(p->c, &all, 3, 9, "bob", note_id, &out));
    assert_err(catalog_deadsend_edit(p->c, 2, NULL, 0, 5, NULL), ERR_CONFLICT);
    catalog_close(p->c); /* the end of the process */
    open_it(p);
    assert_ok(catalog_deadsend_open(p->c, note_id, &out));
    const struct catalog_deadsend_outcome o[] = {
        {.id = 1, .state = DEAD_WAITS, .code = "wrong-type", .reason = "still"},
        {.id = 2, .state = DEAD_SENT, .partition = 3, .offset = 12},
        {.id = 3, .state = DEAD_WAITS}};
    assert_ok(catalog_deadsend_settle(p->c, o, 3));
    assert_ok(catalog_deadsend_settle(p->c, o, 3)); /* of what is settled nothing is changed */
    assert_ok(catalog_deadlook_list(p->c, &all, 10, note_state, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, "1={;2={\"a\":1};3={;1={;2={\"a\":1};3={;"
                                       "4 0 not-json 0 18446744073709551615;"
                                       "3 0 not-json 0 18446744073709551615;"
                                       "2 2 not-json 0 12;"
                                       "1 0 wrong-type 1 18446744073709551615;");
    bytes_fini(&out);
    uint64_t id = 0;
    assert_ok(catalog_deadlook_origin(p->c, 1, 3, 12, &id));
    assert_int_equal(id, 2);
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 0, &n));
    assert_int_equal(n.dead_letters, 3);
    assert_int_equal(n.dead_kept, 4);
}

static void note_group(void *ctx, const struct catalog_dead_group *g)
{
    bytes_printf(ctx, "%s %u %s %s %llu;", g->kind ? g->kind : "-", g->stream,
                 g->rule ? g->rule : "-", g->code ? g->code : "-", (unsigned long long)g->n);
}

static void groups_are_counted_by_what_is_asked(void **state)
{
    struct place *p = *state;
    struct bytes out = {0};
    for (unsigned i = 0; i < 3; i++)
        add(p, refused("{"));
    add(p, late(1, "seq"));
    add(p, late(1, "travel"));
    add(p, late(2, "seq"));
    assert_ok(catalog_deadlook_groups(p->c, &all, &(struct catalog_dead_by){.kind = true}, 10,
                                      note_group, &out));
    assert_ok(catalog_deadlook_groups(p->c, &(struct catalog_dead_filter){.kind = "late"},
                                      &(struct catalog_dead_by){.rule = true, .stream = true}, 10,
                                      note_group, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, "error 0 - - 3;late 0 - - 2;- 1 seq - 2;- 1 travel - 1;");
    bytes_fini(&out);
}

static void note_timeout(void *ctx, const struct catalog_timeout *t)
{
    bytes_printf(ctx, "%s@%lld;", t->id, (long long)t->time);
}

static void timeouts_of_each_rule_are_the_latest(void **state)
{
    struct place *p = *state;
    struct catalog_timeout t[20];
    for (unsigned rule = 1; rule <= 2; rule++) {
        for (unsigned i = 0; i < 20; i++) {
            t[i] = (struct catalog_timeout){.rule_uid = rule,
                                            .rule_name = rule == 1 ? "a" : "b",
                                            .time = (int)(i * 7 % 20),
                                            .key_json = "{}",
                                            .row_json = "{}"};
            snprintf(t[i].id, sizeof t[i].id, "r%u-%u", rule, i * 7 % 20);
        }
        for (unsigned replay = 0; replay < 2; replay++)
            assert_ok(catalog_timeouts_add(p->c, t, 20, 3));
    }
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 0, &n));
    assert_int_equal(n.timeouts, 6);
    struct bytes out = {0};
    assert_ok(catalog_timeouts_list(p->c, "B", 0, 10, note_timeout, &out));
    bytes_u8(&out, 0);
    assert_non_null(strstr((char *)out.p, "r2-19@19;"));
    assert_non_null(strstr((char *)out.p, "r2-18@18;"));
    assert_non_null(strstr((char *)out.p, "r2-17@17;"));
    assert_int_equal(out.n, 3 * strlen("r2-19@19;") + 1);
    bytes_fini(&out);
    assert_ok(catalog_timeouts_expire(p->c, 1));
    assert_ok(catalog_alerts_count(p->c, 0, &n));
    assert_int_equal(n.timeouts, 0);
}

/* A catalogue of version 5: what version 6 added is taken away again. */
static void make_older(struct place *p, const char *letters)
{
    sqlite3 *db = NULL;
    catalog_close(p->c);
    p->c = NULL;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, OLDCATALOG_5, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, letters, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void letters_of_an_older_catalogue_are_put_together(void **state)
{
    struct place *p = *state;
    make_older(p, "INSERT INTO dead_letters (kind, stream, partition, \"offset\", rule, code,"
                  " reason, raw, at) VALUES ('late', 1, 0, 7, 'seq', 'late', '', x'7b', 1),"
                  " ('late', 1, 0, 7, 'travel', 'late', '', x'7b', 1),"
                  " ('error', 1, 0, -1, NULL, 'bad', '', x'7b', 1),"
                  " ('error', 1, 0, 9, 'seq', 'rule-error', '', NULL, 1);"
                  "UPDATE totals SET dead = 4");
    open_it(p);
    expect(p, &all, "4 rule-error  [\"seq\"];3 bad { [];1 late { [\"seq\",\"travel\"];");
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 0, &n));
    assert_int_equal(n.dead_letters, 3);
    add(p, late(7, "third"));
    assert_int_equal(count(p, &(struct catalog_dead_filter){.rule = "third"}), 1);
    assert_int_equal(count(p, &all), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(the_newest_letters_are_kept), T(a_late_row_is_one_letter_for_all_rules),
              T(what_was_deleted_or_let_go_does_not_come_back), T(what_the_log_has_is_taken_once),
              T(a_letter_is_edited_taken_and_settled), T(groups_are_counted_by_what_is_asked),
              T(timeouts_of_each_rule_are_the_latest),
              T(letters_of_an_older_catalogue_are_put_together));
}
