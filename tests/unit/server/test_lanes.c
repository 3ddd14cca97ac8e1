/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "server/deploy/lanes.h"
#include "server/intake/feeddef.h"
#include "tests/lib/check.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMES = 300, STUCK_S = 60 };

struct fixture {
    char path[64];
    struct feed feed;
    struct change_env env;
};

static int set_up(void **state)
{
    const struct lanes_limits limits = {.kept = 10, .at_once = TIMES};
    struct fixture *f = mem_new(sizeof *f);
    struct diag d;
    strcpy(f->path, "/tmp/weir-lanes-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    char *file = mem_printf("%s/catalogue.db", f->path);
    diag_init(&d, NULL, 0);
    assert_ok(catalog_open(file, &d, &f->env.catalog));
    diag_fini(&d);
    mem_free(file);
    f->env.registry = registry_new();
    f->env.lanes = lanes_new(&limits, &f->feed, mem_str(f->path));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    lanes_free(f->env.lanes);
    registry_free(f->env.registry);
    catalog_close(f->env.catalog);
    char *command = mem_printf("rm -r '%s'", f->path);
    assert_int_equal(system(command), 0);
    mem_free(command);
    mem_free(f);
    return 0;
}

static enum err ask(struct fixture *f, uint64_t rule, uint64_t *id)
{
    struct catalog_operation o = {.kind = "activate",
                                  .rule_uid = rule,
                                  .rule = "r",
                                  .sql = "SELECT 1",
                                  .since = EVTIME_MIN,
                                  .started = EVTIME_MIN,
                                  .ended = EVTIME_MIN};
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = lanes_add(f->env.lanes, &f->env, &o, &d);
    diag_fini(&d);
    *id = o.id;
    return e;
}

static void *ask_many(void *arg)
{
    uint64_t id;
    for (unsigned i = 0; i < TIMES; i++)
        assert_ok(ask(arg, i + 1, &id));
    return NULL;
}

/* A change holds the catalogue while it looks at the operations. */
static void an_operation_is_asked_for_while_a_change_is_recorded(void **state)
{
    struct fixture *f = *state;
    struct lanes_counts counts = {0};
    pthread_t asker;
    alarm(STUCK_S); /* two who wait for each other wait for ever */
    assert_int_equal(pthread_create(&asker, NULL, ask_many, f), 0);
    while (counts.open < TIMES) {
        assert_ok(catalog_begin(f->env.catalog));
        lanes_counts(f->env.lanes, &counts);
        assert_ok(catalog_end(f->env.catalog));
    }
    pthread_join(asker, NULL);
    alarm(0);
}

static void a_rule_has_one_operation_at_a_time(void **state)
{
    struct fixture *f = *state;
    uint64_t first, second;
    assert_ok(ask(f, 1, &first));
    assert_int_equal(ask(f, 1, &second), ERR_CONFLICT);
    assert_ok(ask(f, 2, &second));
    assert_true(second > first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_operation_is_asked_for_while_a_change_is_recorded,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rule_has_one_operation_at_a_time, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
