/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/mem.h"
#include "server/checkpoint/checkstart.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>

static const char stream[] =
    "CREATE STREAM s (id BIGINT, k STRING, ts TIMESTAMP(3) NOT NULL, WATERMARK FOR ts AS ts)";
static const char sql[] =
    "SELECT * FROM s MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts "
    "MEASURES A.id AS a PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE A AS id > 5)";

static void put_version(struct registry *r, uint32_t version, struct diag *d)
{
    const struct job_mark mark = {0, 10 * version, 100 * version, 1};
    const struct job_cut cut = {.deployed = true,
                                .w = 100 * version,
                                .nmarks = 1,
                                .marks = &mark,
                                .handover = version > 1 ? JOB_HANDOVER_KEEP : JOB_HANDOVER_NONE};
    const struct control_rule rule = {
        .uid = 7, .version = version, .name = "r", .sql = sql, .ncuts = 1, .cuts = &cut};
    assert_ok(registry_put_rule(r, &rule, NULL, d));
}

/* A checkpoint of the versions that the workers know now. */
static void add(struct checkstart *s, struct registry *r, uint64_t id)
{
    struct checkmeta *m = checkmeta_new();
    m->id = id;
    m->workers = 1;
    checkmeta_add_rules(m, r);
    checkstart_add(s, m);
    checkmeta_free(m);
}

static unsigned versions(struct registry *r)
{
    unsigned n = 0;
    for (const struct registry_rule *v = registry_rule(r, 7); v != NULL; v = v->before)
        n++;
    return n;
}

static void a_version_is_kept_as_long_as_a_kept_checkpoint_has_it(void **state)
{
    char dir[] = "/tmp/weir-checkstart-XXXXXX";
    struct diag d;
    (void)state;
    diag_init(&d, NULL, 0);
    assert_non_null(mkdtemp(dir));
    struct registry *r = registry_new();
    struct checkhistory *h = checkhistory_new();
    struct checkstart *s = checkstart_open(dir, h);
    assert_ok(registry_add_stream(r, 1, 0, stream, strlen(stream), &d));
    put_version(r, 1, &d);
    add(s, r, 1);
    put_version(r, 2, &d);
    add(s, r, 2);
    checkstart_forget_versions(s, r);
    assert_true(versions(r) == 2); /* the workers know the first one still */
    registry_retire(r, 7, 2);
    add(s, r, 3);
    checkstart_forget_versions(s, r);
    assert_true(versions(r) == 2); /* two checkpoints have its state */
    assert_true(checkstart_too_many(s, 2) == 1);
    checkstart_forget_versions(s, r);
    assert_true(versions(r) == 2);
    assert_true(checkstart_too_many(s, 1) == 2);
    checkstart_forget_versions(s, r);
    assert_true(versions(r) == 1);
    checkstart_free(s);
    checkhistory_free(h);
    registry_free(r);
    diag_fini(&d);
    assert_ok(durable_delete(dir));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_kept_as_long_as_a_kept_checkpoint_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
