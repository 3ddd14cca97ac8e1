/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/mem.h"
#include "state/catalog.h"
#include "state/checkpoint.h"
#include "state/definitions.h"
#include "state/savepoint.h"
#include "state/snapfile.h"
#include "state/store.h"
#include "tests/lib/check.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[64], root[96];
    struct diag d;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-savepoint-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->root, sizeof p->root, "%s/savepoints", p->dir);
    diag_init(&p->d, NULL, 0);
    assert_ok(savepoint_open(p->root, &p->d));
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    diag_fini(&p->d);
    assert_ok(durable_delete(p->dir));
    mem_free(p);
    return 0;
}

static size_t count(const struct place *p)
{
    char **names = NULL;
    size_t n = savepoint_list(p->root, &names);
    for (size_t i = 0; i < n; i++)
        mem_free(names[i]);
    mem_free(names);
    return n;
}

static void it_is_there_when_it_has_its_name_and_not_before(void **state)
{
    struct place *p = *state;
    char *part = NULL;
    struct bytes text = {0};
    assert_ok(savepoint_begin(p->root, "one", &part, &p->d));
    assert_true(count(p) == 0);
    assert_ok(savepoint_complete(p->root, "one", "{}", 2, &p->d));
    assert_true(count(p) == 1);
    char *folder = savepoint_folder(p->root, "one");
    assert_ok(checkpoint_get_metadata(folder, &text, &p->d));
    assert_true(text.n == 2);
    char *again = NULL;
    assert_err(savepoint_begin(p->root, "one", &again, &p->d), ERR_EXISTS);
    assert_ok(savepoint_remove(p->root, "one", &p->d));
    assert_err(savepoint_remove(p->root, "one", &p->d), ERR_NOT_FOUND);
    assert_true(count(p) == 0);
    bytes_fini(&text);
    mem_free(part);
    mem_free(folder);
}

static void what_a_crash_left_is_deleted_by_the_next_start(void **state)
{
    struct place *p = *state;
    char *part = NULL;
    assert_ok(savepoint_begin(p->root, "half", &part, &p->d));
    assert_true(access(part, F_OK) == 0);
    assert_ok(savepoint_open(p->root, &p->d));
    assert_true(access(part, F_OK) != 0);
    mem_free(part);
}

static void names_cannot_lead_elsewhere(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ".", "..", ".part-x", "a/b", "../x", "a b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(savepoint_is_name(bad[i]));
    assert_true(savepoint_is_name("sp-20261121-120000.000"));
    char longest[SAVEPOINT_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(savepoint_is_name(longest));
    longest[SAVEPOINT_NAME_MAX] = '\0';
    assert_true(savepoint_is_name(longest));
}

struct order {
    char op[32];
    unsigned group;
    char key[32];
    unsigned n;
};

/* Not below the one before. */
static enum err in_order(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct order *o = ctx;
    char key[32];
    snprintf(key, sizeof key, "%.*s", (int)e->key_n, (const char *)e->key);
    int by_op = strcmp(op, o->op);
    assert_true(by_op >= 0 &&
                (by_op > 0 || group > o->group || (group == o->group && strcmp(key, o->key) > 0)));
    snprintf(o->op, sizeof o->op, "%s", op);
    snprintf(o->key, sizeof o->key, "%s", key);
    o->group = group;
    o->n++;
    return ERR_OK;
}

static void count_op(void *ctx, const char *op, uint64_t entries, uint64_t bytes)
{
    (void)op;
    assert_true(bytes > 0);
    *(uint64_t *)ctx += entries;
}

/* Some keys, then changes and removals: several files of the heap backend, or a database. */
static void fill(struct place *p, enum store_backend backend, const char *folder,
                 struct store_report *report)
{
    char dir[96];
    struct store *s = NULL;
    const struct store_options o = {.backend = backend};
    snprintf(dir, sizeof dir, "%s/work-%d", p->dir, backend);
    assert_ok(store_open_as(dir, &o, &p->d, &s));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 300; i++) {
            char key[16];
            int n = snprintf(key, sizeof key, "k%u", i * 7919 % 300);
            bool gone = round == 1 && i % 3 == 0;
            const struct snapfile_entry e = {key, (size_t)n, gone ? NULL : "value", gone ? 0 : 5};
            if (round == 0 || i % 2 == 0)
                assert_ok(store_put(s, i * 7919 % 300 % 2 ? "b" : "a", i * 7919 % 300 % 16, &e));
        }
        char *to = mem_printf("%s-%u", folder, round);
        assert_ok(checkpoint_open(p->root, &p->d));
        assert_true(mkdir(to, 0750) == 0);
        assert_ok(store_checkpoint(s, to, "worker-0", report, &p->d));
        mem_free(to);
    }
    store_close(s);
}

static void of_either_backend_the_sorted_file_is_the_same(void **state)
{
    struct place *p = *state;
    uint64_t sum[2], bytes[2];
    for (unsigned b = 0; b < 2; b++) {
        struct store_report r;
        struct snapfile *f = NULL;
        uint64_t entries = 0;
        struct order o = {0};
        char *folder = mem_printf("%s/chk-%u", p->dir, b), *from = mem_printf("%s-1", folder);
        char *to = mem_printf("%s/sorted-%u", p->dir, b);
        fill(p, b == 0 ? STORE_HEAP : STORE_ROCKSDB, folder, &r);
        assert_ok(savepoint_sort(from, "worker-0", r.files, to, count_op, &entries, &p->d));
        assert_ok(snapfile_open(to, &p->d, &f));
        for (unsigned i = 0; i < snapfile_operators(f); i++)
            assert_ok(snapfile_read(f, i, 0, SNAPFILE_GROUPS_MAX, in_order, &o, &p->d));
        assert_true(o.n == entries && entries == 250);
        assert_ok(savepoint_sum(to, &bytes[b], &sum[b]));
        snapfile_close(f);
        mem_free(folder);
        mem_free(from);
        mem_free(to);
    }
    assert_true(sum[0] == sum[1] && bytes[0] == bytes[1]);
}

static void note_stream(void *ctx, const struct catalog_text *s)
{
    snprintf(ctx, 32, "%s/%s", (char[]){""}, s->name);
}

static void definitions_are_those_of_the_moment_and_without_what_rules_found(void **state)
{
    struct place *p = *state;
    char from[96], to[96], name[32] = "", set[256];
    struct catalog *c = NULL, *copy = NULL;
    struct definitions *x = NULL;
    struct catalog_text s = {.name = (char[]){"before"}, .sql = (char[]){"CREATE"}, .created = 1};
    snprintf(from, sizeof from, "%s/catalogue.db", p->dir);
    snprintf(to, sizeof to, "%s/definitions.db", p->dir);
    assert_ok(catalog_open(from, &p->d, &c));
    assert_ok(catalog_texts_add(c, CATALOG_STREAM, &s));
    assert_ok(catalog_set_setting(c, "key_groups", "16"));
    assert_ok(definitions_prepare(to, &p->d));
    assert_ok(definitions_begin(from, to, &p->d, &x));
    s.name = (char[]){"after"};
    assert_ok(catalog_texts_add(c, CATALOG_STREAM, &s));
    assert_ok(definitions_end(x, &p->d));
    assert_ok(catalog_open(to, &p->d, &copy));
    assert_ok(catalog_texts(copy, CATALOG_STREAM, note_stream, name));
    assert_string_equal(name, "/before");
    assert_ok(catalog_get_setting(copy, "key_groups", set));
    assert_string_equal(set, "16");
    catalog_close(copy);
    catalog_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_there_when_it_has_its_name_and_not_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_crash_left_is_deleted_by_the_next_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_cannot_lead_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_either_backend_the_sorted_file_is_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            definitions_are_those_of_the_moment_and_without_what_rules_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
