/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "state/catalog.h"
#include "tests/lib/check.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[64], path[96];
    struct catalog *c;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-catalog-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/catalogue.db", p->dir);
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(p->path, &d, &p->c));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    char other[128];
    catalog_close(p->c);
    unlink(p->path);
    snprintf(other, sizeof other, "%s-wal", p->path);
    unlink(other);
    snprintf(other, sizeof other, "%s-shm", p->path);
    unlink(other);
    rmdir(p->dir);
    mem_free(p);
    return 0;
}

static void reopen(struct place *p)
{
    catalog_close(p->c);
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(p->path, &d, &p->c));
}

static void settings_outlive_the_process(void **state)
{
    struct place *p = *state;
    char value[256] = "";
    assert_err(catalog_get_setting(p->c, "key_groups", value), ERR_NOT_FOUND);
    assert_ok(catalog_set_setting(p->c, "key_groups", "128"));
    assert_ok(catalog_set_setting(p->c, "key_groups", "256"));
    reopen(p);
    assert_ok(catalog_get_setting(p->c, "key_groups", value));
    assert_string_equal(value, "256");
}

static void note_stream(void *ctx, const struct catalog_text *s)
{
    struct bytes *out = ctx;
    bytes_printf(out, "%u %s %s %lld;", s->uid, s->name, s->sql, (long long)s->created);
}

static void stream_names_are_unique_without_regard_to_case(void **state)
{
    struct place *p = *state;
    struct catalog_text a = {.name = (char[]){"payments"}, .sql = (char[]){"S1"}, .created = 5};
    struct catalog_text b = {.name = (char[]){"PAYMENTS"}, .sql = (char[]){"S2"}};
    struct catalog_text l = {.name = (char[]){"logins"}, .sql = (char[]){"S3"}, .created = 7};
    assert_ok(catalog_texts_add(p->c, CATALOG_STREAM, &a));
    assert_err(catalog_texts_add(p->c, CATALOG_STREAM, &b), ERR_EXISTS);
    assert_int_equal(b.uid, 0);
    assert_ok(catalog_texts_add(p->c, CATALOG_STREAM, &l));
    struct bytes out = {0};
    assert_ok(catalog_texts(p->c, CATALOG_STREAM, note_stream, &out));
    bytes_u8(&out, 0);
    char expected[128];
    snprintf(expected, sizeof expected, "%u payments S1 5;%u logins S3 7;", a.uid, l.uid);
    assert_string_equal((char *)out.p, expected);
    bytes_fini(&out);
}

static void note_rule(void *ctx, const struct catalog_rule *r)
{
    struct bytes *out = ctx;
    bytes_printf(out, "%s v%u mode %d%s:", r->name, r->version, r->mode,
                 r->deleted ? " deleted" : "");
    for (unsigned i = 0; i < r->ncuts; i++) {
        bytes_printf(out, " [%d %d", r->cuts[i].deployed, r->cuts[i].mode);
        if (r->cuts[i].from != 0)
            bytes_printf(out, " from %llu", (unsigned long long)r->cuts[i].from);
        for (unsigned k = 0; k < r->cuts[i].nmarks; k++)
            bytes_printf(out, " %u@%llu", r->cuts[i].marks[k].partition,
                         (unsigned long long)r->cuts[i].marks[k].offset);
        bytes_printf(out, "]");
    }
    bytes_printf(out, ";");
}

static void assert_rules(struct catalog *c, int with_deleted, const char *expected)
{
    struct bytes out = {0};
    assert_ok(catalog_rules(c, with_deleted, note_rule, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, expected);
    bytes_fini(&out);
}

static struct catalog_rule rule_named(const char *name, struct catalog_cut *cut)
{
    return (struct catalog_rule){.name = (char *)(uintptr_t)name,
                                 .sql = (char *)(uintptr_t) "SELECT",
                                 .version = 1,
                                 .ncuts = 1,
                                 .cuts = cut};
}

static void a_rule_keeps_its_cuts_in_order(void **state)
{
    struct place *p = *state;
    struct catalog_mark marks[] = {{.partition = 1, .offset = 9, .w = 3},
                                   {.partition = 0, .offset = UINT64_MAX, .w = EVTIME_MIN}};
    struct catalog_cut first = {.deployed = 1, .w = 3, .at = 10, .nmarks = 2, .marks = marks};
    struct catalog_rule r = rule_named("spend", &first);
    assert_ok(catalog_rules_add(p->c, &r));
    assert_true(r.uid != 0);
    struct catalog_cut pause = {.deployed = 1, .mode = 2, .w = 4, .at = 11, .from = 7};
    assert_ok(catalog_rules_cut(p->c, r.uid, &pause));
    assert_err(catalog_rules_cut(p->c, r.uid + 1, &pause), ERR_NOT_FOUND);
    reopen(p);
    assert_rules(p->c, 0, "spend v1 mode 2: [1 0 0@18446744073709551615 1@9] [1 2 from 7];");
}

static void a_name_is_free_again_once_its_rule_is_deleted(void **state)
{
    struct place *p = *state;
    struct catalog_cut on = {.deployed = 1}, off = {.deployed = 0};
    struct catalog_rule a = rule_named("spend", &on), b = rule_named("Spend", &on);
    assert_ok(catalog_rules_add(p->c, &a));
    assert_err(catalog_rules_add(p->c, &b), ERR_EXISTS);
    assert_ok(catalog_rules_cut(p->c, a.uid, &off));
    assert_ok(catalog_rules_add(p->c, &b));
    assert_true(b.uid > a.uid);
    assert_rules(p->c, 0, "Spend v1 mode 0: [1 0];");
    assert_rules(p->c, 1, "spend v1 mode 0 deleted: [1 0] [0 0];Spend v1 mode 0: [1 0];");
    uint64_t uid = 0, by_mode[3];
    assert_ok(catalog_rules_find(p->c, "SPEND", &uid));
    assert_true(uid == b.uid);
    assert_err(catalog_rules_find(p->c, "spent", &uid), ERR_NOT_FOUND);
    assert_ok(catalog_rules_count(p->c, by_mode));
    assert_int_equal(by_mode[0], 1);
    struct bytes out = {0};
    assert_ok(catalog_rules_page(p->c, a.uid, 5, note_rule, &out));
    assert_int_equal(out.n, strlen("Spend v1 mode 0:;"));
    assert_ok(catalog_rules_page(p->c, b.uid, 5, note_rule, &out));
    assert_int_equal(out.n, strlen("Spend v1 mode 0:;"));
    assert_ok(catalog_rules_get(p->c, a.uid, note_rule, &out));
    bytes_fini(&out);
    assert_err(catalog_rules_get(p->c, 99, note_rule, &out), ERR_NOT_FOUND);
}

static void a_next_version_adds_its_cuts(void **state)
{
    struct place *p = *state;
    struct catalog_cut on = {.deployed = 1};
    struct catalog_rule r = rule_named("spend", &on);
    assert_ok(catalog_rules_add(p->c, &r));
    r.version = 2;
    r.mode = 1;
    assert_ok(catalog_rules_add(p->c, &r));
    assert_rules(p->c, 0, "spend v2 mode 1: [1 0] [1 0];");
    r.uid = 77;
    assert_err(catalog_rules_add(p->c, &r), ERR_NOT_FOUND);
}

static void a_group_keeps_what_went_well(void **state)
{
    struct place *p = *state;
    struct catalog_cut on = {.deployed = 1};
    struct catalog_rule a = rule_named("a", &on), again = rule_named("A", &on);
    struct catalog_rule b = rule_named("b", &on);
    assert_ok(catalog_begin(p->c));
    assert_ok(catalog_rules_add(p->c, &a));
    assert_err(catalog_rules_add(p->c, &again), ERR_EXISTS);
    assert_ok(catalog_rules_add(p->c, &b));
    assert_ok(catalog_end(p->c));
    reopen(p);
    assert_rules(p->c, 1, "a v1 mode 0: [1 0];b v1 mode 0: [1 0];");
}

static struct catalog_alert alert(unsigned i, const char *rule, const char *key)
{
    struct catalog_alert a = {.rule_uid = 1,
                              .rule_version = 1,
                              .rule_name = rule,
                              .severity = "high",
                              .title = "Spend on c1",
                              .time = 1000 + i,
                              .created = 120000 + i,
                              .window_start = EVTIME_MIN,
                              .window_end = EVTIME_MIN,
                              .key_json = key,
                              .row_json = "{\"n\":1.50}",
                              .count = 1};
    snprintf(a.id, sizeof a.id, "alt_%026u", i);
    return a;
}

static void note_alert(void *ctx, const struct catalog_alert *a)
{
    struct bytes *out = ctx;
    bytes_printf(out, "%llu:%u/%u ", (unsigned long long)a->seq, (unsigned)atoi(a->id + 4),
                 a->revision);
}

static void assert_alerts(struct catalog *c, struct catalog_alert_filter f, const char *expected)
{
    struct bytes out = {0};
    if (f.limit == 0)
        f.limit = 100;
    assert_ok(catalog_alerts(c, &f, note_alert, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, expected);
    bytes_fini(&out);
}

static void a_replayed_alert_is_left_alone(void **state)
{
    struct place *p = *state;
    unsigned added = 9;
    struct catalog_alert a[] = {alert(1, "spend", "{\"card\":\"c1\"}"), alert(2, "spend", "{}"),
                                alert(1, "spend", "{\"card\":\"c1\"}")};
    assert_ok(catalog_alerts_add(p->c, a, 3, &added));
    assert_int_equal(added, 2);
    assert_int_equal(a[0].seq, 1);
    assert_int_equal(a[1].seq, 2);
    assert_int_equal(a[2].seq, 0);
    reopen(p);
    struct catalog_alert again[] = {alert(2, "spend", "{}"), alert(3, "spend", "{}")};
    assert_ok(catalog_alerts_add(p->c, again, 2, &added));
    assert_int_equal(added, 1);
    assert_int_equal(again[0].seq, 0);
    assert_int_equal(again[1].seq, 3);
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1}, "3:3/0 2:2/0 1:1/0 ");
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 120000, &n));
    assert_int_equal(n.alerts, 3);
    assert_int_equal(n.last_seq, 3);
}

static void a_later_revision_takes_the_place_of_the_former(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    struct catalog_alert_event ev = {.var = "A", .offset = 4, .json = "{}", .json_len = 2};
    struct catalog_alert a[] = {alert(1, "spend", "{}"), alert(2, "spend", "{}")};
    assert_ok(catalog_alerts_add(p->c, a, 2, &added));
    struct catalog_alert up = alert(1, "spend", "{}");
    up.revision = 1;
    up.nevents = 1;
    up.events = &ev;
    assert_ok(catalog_alerts_add(p->c, &up, 1, &added));
    assert_int_equal(added, 1);
    assert_int_equal(up.seq, 3);
    assert_ok(catalog_alerts_add(p->c, a, 1, &added)); /* the older one once more */
    assert_int_equal(added, 0);
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1}, "3:1/1 2:2/0 ");
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 120000, &n));
    assert_int_equal(n.alerts, 2); /* an update is no new alert */
}

static void see_revisions(void *ctx, const struct catalog_alert *a)
{
    struct bytes *text = ctx;
    for (unsigned i = 0; i < a->nrevisions; i++)
        bytes_printf(text, "%u:%s ", a->revisions[i].revision, a->revisions[i].row_json);
    bytes_printf(text, "now %u:%s%s%s", a->revision, a->row_json, a->retracted ? " retracted" : "",
                 a->replaced_by != NULL ? a->replaced_by : "");
    bytes_u8(text, 0);
}

static void assert_revisions(struct catalog *c, const char *id, const char *want)
{
    struct bytes text = {0};
    assert_ok(catalog_alerts_get(c, id, see_revisions, &text));
    assert_string_equal((const char *)text.p, want);
    bytes_fini(&text);
}

static void an_alert_keeps_what_it_was(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    static const char *const rows[] = {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"};
    struct catalog_alert a = alert(1, "spend", "{}");
    for (unsigned i = 0; i < 3; i++) {
        a.revision = i;
        a.row_json = rows[i];
        assert_ok(catalog_alerts_add(p->c, &a, 1, &added));
    }
    assert_revisions(p->c, a.id, "0:{\"n\":1} 1:{\"n\":2} now 2:{\"n\":3}");
    a.revision = 1; /* a replay */
    assert_ok(catalog_alerts_add(p->c, &a, 1, &added));
    assert_int_equal(added, 0);
    assert_revisions(p->c, a.id, "0:{\"n\":1} 1:{\"n\":2} now 2:{\"n\":3}");
    for (unsigned i = 3; i < 120; i++) {
        a.revision = i;
        assert_ok(catalog_alerts_add(p->c, &a, 1, &added));
    }
    struct bytes text = {0};
    assert_ok(catalog_alerts_get(p->c, a.id, see_revisions, &text));
    assert_memory_equal(text.p, "19:", 3); /* the newest hundred */
    bytes_fini(&text);
}

static void an_alert_may_take_the_place_of_others(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    struct catalog_alert a[] = {alert(1, "spend", "{}"), alert(2, "spend", "{}"),
                                alert(1, "spend", "{}")};
    char *ids = mem_printf("[\"%s\"]", a[1].id), *want;
    a[0].row_json = a[1].row_json = a[2].row_json = "{}";
    a[2].revision = 1;
    a[2].replaces = ids;
    assert_ok(catalog_alerts_add(p->c, a, 3, &added));
    want = mem_printf("now 0:{} retracted%s", a[0].id);
    assert_revisions(p->c, a[1].id, want);
    a[1].revision = 1; /* it is over */
    assert_ok(catalog_alerts_add(p->c, &a[1], 1, &added));
    assert_revisions(p->c, a[1].id, want);
    mem_free(want);
    mem_free(ids);
}

static void an_update_of_what_was_held_back_makes_no_alert(void **state)
{
    struct place *p = *state;
    unsigned added = 7;
    struct catalog_alert a = alert(1, "spend", "{}");
    a.revision = 1;
    a.only_update = 1;
    assert_ok(catalog_alerts_add(p->c, &a, 1, &added));
    assert_int_equal(added, 0);
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1}, "");
}

static void lists_are_filtered_and_go_on_from_a_cursor(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    struct catalog_alert a[] = {alert(1, "spend", "{\"card\": \"c\\\"1\", \"n\": 4}"),
                                alert(2, "travel", "{\"card\":\"c2\"}"),
                                alert(3, "Spend", "{\"card\":\"c2\"}"), alert(4, "spend", "{}")};
    a[3].severity = "low";
    a[3].mode = 1;
    assert_ok(catalog_alerts_add(p->c, a, 4, &added));
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .rule = "SPEND"},
                  "4:4/0 3:3/0 1:1/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .key = "c2"}, "3:3/0 2:2/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .key = "c\"1,4"}, "1:1/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = 0}, "3:3/0 2:2/0 1:1/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .severity = "low"}, "4:4/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .status = "closed"}, "");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .after_seq = 3, .limit = 1},
                  "2:2/0 ");
    assert_alerts(p->c,
                  (struct catalog_alert_filter){.mode = -1, .after_seq = 2, .oldest_first = 1},
                  "3:3/0 4:4/0 ");
    assert_alerts(p->c, (struct catalog_alert_filter){.mode = -1, .oldest_first = 1, .limit = 2},
                  "1:1/0 2:2/0 ");
}

static void check_whole(void *ctx, const struct catalog_alert *a)
{
    *(int *)ctx += 1;
    assert_string_equal(a->row_json, "{\"n\":1.50}");
    assert_string_equal(a->vars_json, "{\"A\":[]}");
    assert_string_equal(a->severity, "high");
    assert_string_equal(a->status, "open");
    assert_true(a->window_start == -5 && a->window_end == EVTIME_MIN);
    assert_int_equal(a->nevents, 2);
    assert_string_equal(a->events[0].var, "A");
    assert_true(a->events[0].offset == UINT64_MAX && a->events[0].ts == -1);
    assert_null(a->events[0].json);
    assert_null(a->events[1].var);
    assert_int_equal(a->events[1].partition, 3);
    assert_int_equal(a->events[1].json_len, 5);
    assert_string_equal(a->events[1].json, "{\"\"0}");
}

static void an_alert_comes_back_with_its_events(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    int seen = 0;
    struct catalog_alert_event ev[] = {
        {.var = "A", .stream = 1, .offset = UINT64_MAX, .ts = -1},
        {.stream = 1, .partition = 3, .offset = 1, .json = "{\"\"0}", .json_len = 5}};
    struct catalog_alert a = alert(1, "spend", "{}");
    a.window_start = -5;
    a.vars_json = "{\"A\":[]}";
    a.nevents = 2;
    a.events = ev;
    assert_ok(catalog_alerts_add(p->c, &a, 1, &added));
    struct catalog *reader = NULL;
    assert_ok(catalog_reader(p->path, &reader));
    assert_ok(catalog_alerts_get(reader, a.id, check_whole, &seen));
    assert_int_equal(seen, 1);
    assert_err(catalog_alerts_get(reader, "alt_nothing", check_whole, &seen), ERR_NOT_FOUND);
    catalog_close(reader);
}

static void note_sum(void *ctx, uint64_t uid, uint64_t alerts, uint64_t shadow, evtime last)
{
    bytes_printf(ctx, "%llu: %llu %llu %lld;", (unsigned long long)uid, (unsigned long long)alerts,
                 (unsigned long long)shadow, (long long)last);
}

static void note_minute(void *ctx, evtime minute, const char *severity, uint64_t n)
{
    bytes_printf(ctx, "%lld %s %llu;", (long long)minute, severity, (unsigned long long)n);
}

static void sums_are_kept_apart_for_shadow_rules(void **state)
{
    struct place *p = *state;
    unsigned added = 0;
    struct catalog_alert a[] = {alert(1, "spend", "{}"), alert(2, "spend", "{}"),
                                alert(3, "try", "{}")};
    a[1].created = 185000;
    a[1].severity = "critical";
    a[2].rule_uid = 2;
    a[2].mode = 1;
    assert_ok(catalog_alerts_add(p->c, a, 3, &added));
    struct bytes out = {0};
    assert_ok(catalog_alerts_by_rule(p->c, note_sum, &out));
    assert_ok(catalog_alerts_by_minute(p->c, 0, note_minute, &out));
    bytes_u8(&out, 0);
    assert_string_equal((char *)out.p, "1: 2 0 185000;2: 0 1 120003;"
                                       "120000 high 1;180000 critical 1;");
    bytes_fini(&out);
    struct catalog_counts n;
    assert_ok(catalog_alerts_count(p->c, 180000 + 3600000, &n));
    assert_int_equal(n.alerts, 2);
    assert_int_equal(n.open, 2);
    assert_int_equal(n.shadow, 1);
    assert_int_equal(n.last_hour, 0); /* both are more than an hour ago */
    assert_ok(catalog_alerts_count(p->c, 190000, &n));
    assert_int_equal(n.last_hour, 2);
}

static void a_newer_catalogue_is_refused_with_what_to_do(void **state)
{
    struct place *p = *state;
    catalog_close(p->c);
    p->c = NULL;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL);
    sqlite3_close(db);
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_err(catalog_open(p->path, &d, &p->c), ERR_VERSION);
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(d.items[0].message, "has version 99, which is newer"));
    assert_non_null(strstr(d.items[0].hint, "--data"));
    diag_fini(&d);
}

static void what_is_no_database_is_refused(void **state)
{
    struct place *p = *state;
    catalog_close(p->c);
    p->c = NULL;
    FILE *f = fopen(p->path, "w");
    fprintf(f, "%02000d", 7);
    fclose(f);
    struct diag d;
    diag_init(&d, NULL, 0);
    assert_err(catalog_open(p->path, &d, &p->c), ERR_CORRUPT);
    assert_non_null(strstr(d.items[0].message, "damaged"));
    diag_fini(&d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    CHECK_RUN(T(settings_outlive_the_process), T(stream_names_are_unique_without_regard_to_case),
              T(a_rule_keeps_its_cuts_in_order), T(a_name_is_free_again_once_its_rule_is_deleted),
              T(a_next_version_adds_its_cuts), T(a_group_keeps_what_went_well),
              T(a_replayed_alert_is_left_alone), T(a_later_revision_takes_the_place_of_the_former),
              T(an_alert_keeps_what_it_was), T(an_alert_may_take_the_place_of_others),
              T(an_update_of_what_was_held_back_makes_no_alert),
              T(lists_are_filtered_and_go_on_from_a_cursor), T(an_alert_comes_back_with_its_events),
              T(sums_are_kept_apart_for_shadow_rules),
              T(a_newer_catalogue_is_refused_with_what_to_do), T(what_is_no_database_is_refused));
}
