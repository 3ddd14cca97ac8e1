/* SPDX-License-Identifier: Apache-2.0 */
#include "base/durable.h"
#include "base/mem.h"
#include "state/checkpoint.h"
#include "tests/lib/check.h"
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[64], root[96];
    struct diag d;
};

static int set_up(void **state)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/weir-checkpoint-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->root, sizeof p->root, "%s/checkpoints", p->dir);
    diag_init(&p->d, NULL, 0);
    *state = p;
    return 0;
}

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    diag_fini(&p->d);
    assert_int_equal(nftw(p->dir, delete_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    mem_free(p);
    return 0;
}

static enum err make(struct place *p, uint64_t id, const char *metadata)
{
    enum err e = checkpoint_begin(p->root, id, &p->d);
    char *folder = checkpoint_folder(p->root, id), *file = mem_printf("%s/worker-0", folder);
    if (e == ERR_OK)
        e = durable_file(file, "state", 5);
    if (e == ERR_OK)
        e = checkpoint_complete(p->root, id, metadata, strlen(metadata), &p->d);
    mem_free(file);
    mem_free(folder);
    return e;
}

static void assert_listed(struct place *p, size_t n, const uint64_t *want)
{
    uint64_t *ids = NULL;
    assert_int_equal(checkpoint_list(p->root, &ids, &p->d), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ids[i], want[i]);
    mem_free(ids);
}

static void complete_ones_are_listed_in_order_and_incomplete_ones_swept(void **state)
{
    struct place *p = *state;
    struct bytes text = {0};
    assert_ok(checkpoint_open(p->root, &p->d));
    assert_listed(p, 0, NULL);
    assert_ok(make(p, 100000001, "{\"a\":2}"));
    assert_ok(make(p, 9, "{\"a\":1}"));
    assert_ok(checkpoint_begin(p->root, 100000002, &p->d));
    assert_listed(p, 2, (const uint64_t[]){9, 100000001});
    assert_ok(checkpoint_metadata(p->root, 9, &text, &p->d));
    assert_int_equal(text.n, 7);
    assert_memory_equal(text.p, "{\"a\":1}", 7);
    assert_err(checkpoint_metadata(p->root, 100000002, &text, &p->d), ERR_NOT_FOUND);
    assert_ok(checkpoint_open(p->root, &p->d));
    char *folder = checkpoint_folder(p->root, 100000002);
    assert_int_equal(access(folder, F_OK), -1);
    mem_free(folder);
    assert_ok(checkpoint_remove(p->root, 9, &p->d));
    assert_ok(checkpoint_remove(p->root, 9, &p->d)); /* gone is gone */
    assert_listed(p, 1, (const uint64_t[]){100000001});
    bytes_fini(&text);
}

static void damaged_metadata_are_not_taken(void **state)
{
    struct place *p = *state;
    struct bytes text = {0};
    assert_ok(checkpoint_open(p->root, &p->d));
    assert_ok(make(p, 1, "{\"first\":true}"));
    assert_ok(make(p, 2, "{\"second\":true}"));
    char *folder = checkpoint_folder(p->root, 2), *file = mem_printf("%s/_metadata", folder);
    assert_ok(durable_file(file, "{\"sec0nd\":true}\nxxh3 0000000000000000\n", 38));
    assert_err(checkpoint_metadata(p->root, 2, &text, &p->d), ERR_CORRUPT);
    assert_listed(p, 1, (const uint64_t[]){1});
    assert_ok(checkpoint_open(p->root, &p->d));
    assert_int_equal(access(file, F_OK),
                     0); /* damaged is not incomplete: it stays to be looked at */
    mem_free(file);
    mem_free(folder);
    bytes_fini(&text);
}

/* What is tried in a process of its own: checkpoint 2, then 1 is not needed any more. */
static int try_it(const char *root)
{
    struct place p;
    snprintf(p.root, sizeof p.root, "%s", root);
    diag_init(&p.d, NULL, 0);
    enum err e = make(&p, 2, "{\"second\":true}");
    if (e == ERR_OK)
        e = checkpoint_remove(p.root, 1, &p.d);
    diag_fini(&p.d);
    return e == ERR_OK ? 0 : 1;
}

/* It fails or dies at the n-th passage of a point. True: it got there. */
static bool with_fault(struct place *p, const char *point, unsigned n, const char *action)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char wish[128];
        snprintf(wish, sizeof wish, "%s:%u:%s", point, n, action);
        setenv("WEIR_FAULT", wish,
               1); /* read once, at the first point: so another program must be begun */
        execl("/proc/self/exe", "test_checkpoint", "--try", p->root, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(!WIFEXITED(status) || WEXITSTATUS(status) < 2);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void a_crash_at_any_point_leaves_a_complete_checkpoint(void **state)
{
    static const char *const points[] = {"checkpoint.begin", "durable.open",
                                         "durable.write",    "durable.sync",
                                         "durable.rename",   "durable.sync_folder",
                                         "checkpoint.remove"};
    static const char *const actions[] = {"fail", "kill", "torn"};
    struct place *p = *state;
    unsigned reached = 0;
    for (unsigned i = 0; i < sizeof points / sizeof *points; i++)
        for (unsigned a = 0; a < 3; a++)
            for (unsigned n = 1;; n++) {
                uint64_t *ids = NULL;
                assert_ok(checkpoint_open(p->root, &p->d));
                assert_ok(make(p, 1, "{\"first\":true}"));
                assert_ok(checkpoint_remove(p->root, 2, &p->d));
                bool got_there = with_fault(p, points[i], n, actions[a]);
                assert_ok(checkpoint_open(p->root, &p->d));
                size_t kept = checkpoint_list(p->root, &ids, &p->d);
                assert_true(kept >= 1 && (kept < 3));
                mem_free(ids);
                if (!got_there)
                    break;
                reached++;
            }
    assert_true(reached >= 3 * 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--try") == 0)
        return try_it(argv[2]);
    CHECK_RUN(T(complete_ones_are_listed_in_order_and_incomplete_ones_swept),
              T(damaged_metadata_are_not_taken),
              T(a_crash_at_any_point_leaves_a_complete_checkpoint));
}
