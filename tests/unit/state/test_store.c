/* SPDX-License-Identifier: Apache-2.0 */
/* Each test runs over both backends. */
#include "base/durable.h"
#include "base/mem.h"
#include "state/store.h"
#include "tests/lib/check.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEYS = 3000, GROUPS = 8, CHECKPOINTS_MAX = 100, RUN_CHECKPOINTS = 7 };

struct place {
    enum store_backend backend;
    char top[48]; /* deleted at the end */
    char dir[64], work[96];
    struct diag d;
    struct store *s;
    int values[KEYS]; /* what the state is now; 0: not there */
    int at[CHECKPOINTS_MAX][KEYS]; /* what it was at each checkpoint */
    unsigned files[CHECKPOINTS_MAX], n;
};

static const struct store_options backends[] = {{.backend = STORE_HEAP},
                                                {.backend = STORE_ROCKSDB}};

/* In memory if there is room: these tests sync thousands of times, and hold weir to the order of its writes, not the disk to
 * its promises. On a disk that others write to, that alone would take a minute. */
static const char *folder(void)
{
    enum { ROOM_BYTES = 256 << 20 };
    struct statvfs room;
    const char *shm = "/dev/shm";
    bool fits = access(shm, W_OK) == 0 && statvfs(shm, &room) == 0 &&
                (uint64_t)room.f_bavail * room.f_frsize >= ROOM_BYTES;
    return fits ? shm : "/tmp";
}

static int set_up(void **state, enum store_backend backend)
{
    struct place *p = mem_new(sizeof *p);
    snprintf(p->top, sizeof p->top, "%s/weir-store-XXXXXX", folder());
    if (!mkdtemp(p->top))
        return -1;
    snprintf(p->dir, sizeof p->dir, "%s", p->top);
    snprintf(p->work, sizeof p->work, "%s/worker-0", p->dir);
    diag_init(&p->d, NULL, 0);
    p->backend = backend;
    assert_ok(store_open_as(p->work, &backends[backend], &p->d, &p->s));
    *state = p;
    return 0;
}

static int heap(void **state)
{
    return set_up(state, STORE_HEAP);
}

static int rocksdb(void **state)
{
    return set_up(state, STORE_ROCKSDB);
}

static int tear_down(void **state)
{
    struct place *p = *state;
    store_close(p->s);
    diag_fini(&p->d);
    assert_ok(durable_delete(p->top));
    mem_free(p);
    return 0;
}

static void folder_of(const struct place *p, unsigned n, char out[96])
{
    snprintf(out, 96, "%s/chk-%u", p->dir, n);
}

static enum err try_put(struct place *p, unsigned key, int value)
{
    char k[16], v[400];
    struct snapfile_entry e = {.key = k, .value = value == 0 ? NULL : v};
    e.key_n = (size_t)snprintf(k, sizeof k, "%u", key);
    if (value != 0) { /* bytes that do not pack to nothing */
        e.value_n = (size_t)snprintf(v, sizeof v, "%d ", value);
        for (unsigned x = key * 7919u + (unsigned)value; e.value_n < 100 + key % 250;
             x = x * 1103515245 + 12345)
            v[e.value_n++] = (char)('!' + (x >> 16) % 90);
    }
    p->values[key] = value;
    return store_put(p->s, key % 3 == 0 ? "by card" : "by account", key % GROUPS, &e);
}

static void put(struct place *p, unsigned key, int value)
{
    assert_ok(try_put(p, key, value));
}

static struct store_report checkpoint(struct place *p)
{
    char folder[96];
    struct store_report r = {0};
    folder_of(p, p->n, folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_ok(store_checkpoint(p->s, folder, "worker-0", &r, &p->d));
    memcpy(p->at[p->n], p->values, sizeof p->values);
    p->files[p->n++] = r.files;
    return r;
}

struct seen {
    int values[KEYS];
    unsigned from, to, n;
};

static enum err take(void *ctx, const char *op, unsigned group, const struct snapfile_entry *e)
{
    struct seen *s = ctx;
    char k[16] = "", v[16] = "";
    memcpy(k, e->key, e->key_n);
    memcpy(v, e->value, e->value_n < 15 ? e->value_n : 15);
    unsigned key = (unsigned)atoi(k);
    assert_string_equal(op, key % 3 == 0 ? "by card" : "by account");
    assert_true(group == key % GROUPS && group >= s->from && group < s->to);
    assert_int_equal(s->values[key], 0); /* each once */
    s->values[key] = atoi(v);
    s->n++;
    return ERR_OK;
}

static void assert_checkpoint(struct place *p, unsigned n)
{
    char folder[96];
    folder_of(p, n, folder);
    assert_ok(store_verify(folder, "worker-0", p->files[n], &p->d));
    struct seen *s = mem_new(sizeof *s);
    for (unsigned part = 0; part < 2; part++) { /* as two workers would read it */
        s->from = part * 3;
        s->to = part == 0 ? 3 : GROUPS;
        assert_ok(store_read(folder, "worker-0", p->files[n], s->from, s->to, take, s, &p->d));
    }
    assert_memory_equal(s->values, p->at[n], sizeof s->values);
    mem_free(s);
}

static void each_checkpoint_keeps_the_state_of_its_time_while_later_ones_go_on(void **state)
{
    struct place *p = *state;
    unsigned n = p->backend == STORE_HEAP ? CHECKPOINTS_MAX : CHECKPOINTS_MAX / 4;
    srand(11);
    for (unsigned i = 0; i < n; i++) {
        unsigned from = (unsigned)rand() % KEYS,
                 some = (unsigned)rand() % (i % 10 == 0 ? KEYS : 60);
        for (unsigned k = 0; k < some; k++)
            put(p, (from + k) % KEYS, rand() % 4 == 0 ? 0 : 1 + rand() % 1000000);
        checkpoint(p);
    }
    for (unsigned i = 0; i < n; i++)
        assert_checkpoint(p, i);
}

/* The largest file of a checkpoint's, and how many names it has. */
static nlink_t largest_file(const char *folder, char path[512])
{
    struct stat st;
    off_t most = -1;
    nlink_t links = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *x; (x = readdir(dir)) != NULL;) {
        if (fstatat(dirfd(dir), x->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode) ||
            st.st_size <= most)
            continue;
        most = st.st_size;
        links = st.st_nlink;
        snprintf(path, 512, "%s/%s", folder, x->d_name);
    }
    closedir(dir);
    return links;
}

static void state_folder(const struct place *p, unsigned n, char out[128])
{
    snprintf(out, 128, "%s/chk-%u%s", p->dir, n,
             p->backend == STORE_HEAP ? "" : "/worker-0.rocksdb");
}

static void a_small_change_writes_little_and_old_checkpoints_share_files(void **state)
{
    struct place *p = *state;
    char folder[128], file[512];
    for (unsigned k = 0; k < KEYS; k++)
        put(p, k, 1 + (int)k);
    struct store_report first = checkpoint(p);
    assert_int_equal(first.changes, KEYS);
    for (unsigned k = 0; k < KEYS / 100; k++)
        put(p, k * 100, 7);
    struct store_report second = checkpoint(p);
    assert_int_equal(second.changes, KEYS / 100);
    assert_true(second.written_bytes * 20 < first.written_bytes);
    assert_true(second.bytes >= first.bytes);
    state_folder(p, 0, folder);
    assert_int_equal(largest_file(folder, file), 3); /* both checkpoints and the store */
    struct store_report third = checkpoint(p); /* nothing changed */
    assert_int_equal(third.written_bytes, 0);
    assert_int_equal(unlink(file), 0); /* the first is deleted; the others do not need it */
    assert_checkpoint(p, 1);
    assert_checkpoint(p, 2);
}

static void a_chain_that_outweighs_its_base_is_merged(void **state)
{
    struct place *p = *state;
    unsigned merged = 0;
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned k = 0; k < 300; k++)
            put(p, k, i % 7 == 6 && k % 2 ? 0 : 1 + (int)(i * 1000 + k));
        merged += checkpoint(p).files == 1;
    }
    assert_true(merged >= 10);
    for (unsigned i = 0; i < 40; i++)
        assert_checkpoint(p, i);
}

static void without_state_there_is_a_checkpoint_of_nothing(void **state)
{
    struct place *p = *state;
    assert_true(checkpoint(p).files > 0);
    assert_checkpoint(p, 0);
    put(p, 5, 1);
    store_reset(p->s);
    memset(p->values, 0, sizeof p->values);
    checkpoint(p);
    assert_checkpoint(p, 1);
}

static void a_missing_or_damaged_file_is_said(void **state)
{
    struct place *p = *state;
    struct seen s = {.to = GROUPS};
    struct stat st;
    char folder[128], file[512];
    put(p, 1, 1);
    unsigned n = checkpoint(p).files;
    folder_of(p, 0, folder);
    assert_err(store_read(folder, "worker-1", n, 0, GROUPS, take, &s, &p->d), ERR_NOT_FOUND);
    assert_err(store_read(folder, "worker-0", n + 1, 0, GROUPS, take, &s, &p->d), ERR_NOT_FOUND);
    assert_err(store_verify(folder, "worker-0", 0, &p->d), ERR_CORRUPT);
    for (unsigned k = 0; k < KEYS; k++)
        put(p, k, 1 + (int)k);
    n = checkpoint(p).files;
    assert_checkpoint(p, 1);
    folder_of(p, 1, folder);
    char in[128];
    state_folder(p, 1, in);
    largest_file(in, file);
    assert_int_equal(stat(file, &st), 0);
    int fd = open(file, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "damaged!", 8, st.st_size / 3), 8);
    assert_err(store_verify(folder, "worker-0", n, &p->d), ERR_CORRUPT);
    assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
    close(fd);
    assert_err(store_verify(folder, "worker-0", n, &p->d), ERR_CORRUPT);
    assert_true(p->d.errors > 0);
}

/* --- stores that start with a checkpoint --- */

static void restore(struct place *p, enum store_backend backend, const struct store_part *parts,
                    unsigned n, unsigned from, unsigned to)
{
    struct seen *s = mem_new(sizeof *s);
    store_close(p->s);
    p->s = NULL;
    p->backend = backend;
    assert_ok(store_open_as(p->work, &backends[backend], &p->d, &p->s));
    *s = (struct seen){.from = from, .to = to};
    assert_ok(store_restore(p->s, parts, n, from, to, take, s, &p->d));
    for (unsigned k = 0; k < KEYS; k++) {
        if (k % GROUPS < from || k % GROUPS >= to)
            p->values[k] = 0;
        assert_int_equal(s->values[k], p->values[k]);
    }
    mem_free(s);
}

static void a_store_that_starts_with_its_checkpoint_links_its_files(void **state)
{
    struct place *p = *state;
    char folder[96], in[128], file[512];
    for (unsigned k = 0; k < KEYS; k++)
        put(p, k, 1 + (int)k);
    struct store_report first = checkpoint(p);
    folder_of(p, 0, folder);
    const struct store_part part = {folder, "worker-0", p->files[0]};
    restore(p, p->backend, &part, 1, 0, GROUPS);
    put(p, 17, 0);
    put(p, 18, 5);
    struct store_report second = checkpoint(p);
    assert_int_equal(second.changes, 2);
    assert_true(second.written_bytes * 20 < first.written_bytes);
    state_folder(p, 0, in);
    assert_int_equal(largest_file(in, file), 3);
    assert_checkpoint(p, 0);
    assert_checkpoint(p, 1);
}

/* From a checkpoint of one worker to one of three, back, and each time by the other backend. */
static void other_numbers_of_workers_and_the_other_backend_read_it(void **state)
{
    struct place *p = *state;
    enum { SPREAD = 3 };
    static const unsigned ends[SPREAD + 1] = {0, 3, 6, GROUPS};
    enum store_backend other = p->backend == STORE_HEAP ? STORE_ROCKSDB : STORE_HEAP;
    int all[KEYS];
    char folders[SPREAD][96], folder[96];
    struct store_part parts[SPREAD];
    for (unsigned k = 0; k < KEYS; k++)
        put(p, k, k % 11 == 0 ? 0 : 1 + (int)k);
    memcpy(all, p->values, sizeof all);
    checkpoint(p);
    folder_of(p, 0, folder);
    const struct store_part one = {folder, "worker-0", p->files[0]};
    for (unsigned w = 0; w < SPREAD; w++) {
        memcpy(p->values, all, sizeof all);
        restore(p, w == 1 ? p->backend : other, &one, 1, ends[w], ends[w + 1]);
        put(p, 8 * 100 + ends[w], 4711 + (int)w);
        all[8 * 100 + ends[w]] = 4711 + (int)w;
        checkpoint(p);
        folder_of(p, 1 + w, folders[w]);
        parts[w] = (struct store_part){folders[w], "worker-0", p->files[1 + w]};
    }
    memcpy(p->values, all, sizeof all);
    restore(p, other, parts, SPREAD, 0, GROUPS);
    checkpoint(p);
    for (unsigned i = 0; i < p->n; i++)
        assert_checkpoint(p, i);
}

/* --- a process that is killed, or whose disk fails --- */

static void change_some(unsigned i, unsigned *rng, struct place *p, bool *failed)
{
    unsigned from = *rng % KEYS;
    for (unsigned k = 0; k < (i % 5 == 0 ? KEYS : 200); k++) {
        unsigned key = (from + k * 7) % KEYS; /* each once */
        *rng = *rng * 1103515245 + 12345;
        int value = *rng >> 28 < 4 ? 0 : 1 + (int)(*rng >> 16 & 0xffff);
        if (p->s == NULL)
            p->values[key] = value;
        else if (try_put(p, key, value) != ERR_OK)
            *failed = true;
    }
}

/* What could not be written is put again, all of it. */
static int run(const char *dir, enum store_backend backend)
{
    struct place *p = mem_new(sizeof *p);
    unsigned rng = 5;
    snprintf(p->dir, sizeof p->dir, "%s", dir);
    snprintf(p->work, sizeof p->work, "%s/worker-0", dir);
    diag_init(&p->d, NULL, 0);
    if (store_open_as(p->work, &backends[backend], &p->d, &p->s) != ERR_OK)
        return 1;
    for (unsigned i = 0; i < RUN_CHECKPOINTS; i++) {
        char folder[96], done[128];
        struct store_report r;
        bool failed = false;
        change_some(i, &rng, p, &failed);
        for (unsigned tries = 0;; tries++) {
            if (failed) {
                failed = false;
                store_reset(p->s);
                for (unsigned k = 0; k < KEYS; k++)
                    if (p->values[k] != 0 && try_put(p, k, p->values[k]) != ERR_OK)
                        failed = true;
            }
            snprintf(folder, sizeof folder, "%s/chk-%u", dir, i);
            if (durable_delete(folder) != ERR_OK || mkdir(folder, 0700) < 0 || tries > 3)
                return 1;
            if (!failed && store_checkpoint(p->s, folder, "worker-0", &r, &p->d) == ERR_OK)
                break;
            failed = true;
        }
        snprintf(done, sizeof done, "%s/done-%u-%u", dir, i, r.files);
        close(open(done, O_CREAT | O_WRONLY, 0600));
    }
    store_close(p->s);
    diag_fini(&p->d);
    mem_free(p);
    return 0;
}

/* Those that were made have the state of their time. How many there are. */
static unsigned assert_run(struct place *p)
{
    unsigned rng = 5, made = 0;
    struct store *s = p->s;
    p->s = NULL;
    memset(p->values, 0, sizeof p->values);
    for (p->n = 0; p->n < RUN_CHECKPOINTS; p->n++) {
        change_some(p->n, &rng, p, NULL);
        memcpy(p->at[p->n], p->values, sizeof p->values);
        p->files[p->n] = 0;
    }
    DIR *d = opendir(p->dir);
    for (struct dirent *x; (x = readdir(d)) != NULL;) {
        unsigned n, files;
        if (sscanf(x->d_name, "done-%u-%u", &n, &files) == 2)
            p->files[n] = files;
    }
    closedir(d);
    for (unsigned i = 0; i < RUN_CHECKPOINTS; i++)
        if (p->files[i] > 0) {
            made++;
            assert_checkpoint(p, i);
        }
    p->s = s;
    return made;
}

/* The program of its own; ended after some time, or by a fault. */
static int run_apart(const struct place *p, const char *fault, unsigned kill_after_us)
{
    int status = 0;
    assert_ok(durable_delete(p->dir));
    assert_int_equal(mkdir(p->dir, 0700), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (fault != NULL)
            setenv("WEIR_FAULT", fault, 1);
        execl("/proc/self/exe", "test_store", "--run", p->dir,
              p->backend == STORE_HEAP ? "heap" : "rocksdb", (char *)NULL);
        _exit(127);
    }
    if (kill_after_us > 0) {
        usleep(kill_after_us);
        kill(child, SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_process_that_is_killed_leaves_its_checkpoints_whole(void **state)
{
    struct place *p = *state;
    snprintf(p->dir, sizeof p->dir, "%s/run", p->top);
    srand(3);
    assert_int_equal(run_apart(p, NULL, 0), 0);
    assert_int_equal(assert_run(p), RUN_CHECKPOINTS);
    for (unsigned i = 0; i < 12; i++) {
        run_apart(p, NULL, 1000 + (unsigned)rand() % 150000);
        assert_run(p);
    }
}

static void at_every_point_that_fails_checkpoints_stay_whole_and_the_next_is_right(void **state)
{
    static const char *const points[] = {"store.link",   "durable.sync_folder",
                                         "store.write", /* those of RocksDB up to here */
                                         "durable.open", "durable.write",
                                         "durable.sync", "durable.rename"};
    static const char *const actions[] = {"fail", "kill", "torn"};
    struct place *p = *state;
    char fault[64];
    unsigned reached = 0;
    snprintf(p->dir, sizeof p->dir, "%s/run", p->top);
    for (unsigned i = 0; i < (p->backend == STORE_HEAP ? sizeof points / sizeof *points : 3); i++)
        for (unsigned a = 0; a < 3; a++)
            for (unsigned n = 1; n <= 5; n += 4) {
                snprintf(fault, sizeof fault, "%s:%u:%s", points[i], n, actions[a]);
                int status = run_apart(p, fault, 0);
                unsigned made = assert_run(p);
                if (WIFEXITED(status))
                    assert_int_equal(made, RUN_CHECKPOINTS);
                reached += !WIFEXITED(status);
            }
    assert_true(reached >= 4);
}

#define BOTH(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, heap, tear_down),                                        \
        cmocka_unit_test_setup_teardown(name, rocksdb, tear_down)
#define HEAP(name) cmocka_unit_test_setup_teardown(name, heap, tear_down)

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--run") == 0)
        return run(argv[2], strcmp(argv[3], "heap") == 0 ? STORE_HEAP : STORE_ROCKSDB);
    CHECK_RUN(BOTH(each_checkpoint_keeps_the_state_of_its_time_while_later_ones_go_on),
              BOTH(a_small_change_writes_little_and_old_checkpoints_share_files),
              HEAP(a_chain_that_outweighs_its_base_is_merged),
              BOTH(without_state_there_is_a_checkpoint_of_nothing),
              BOTH(a_missing_or_damaged_file_is_said),
              BOTH(a_store_that_starts_with_its_checkpoint_links_its_files),
              BOTH(other_numbers_of_workers_and_the_other_backend_read_it),
              BOTH(a_process_that_is_killed_leaves_its_checkpoints_whole),
              BOTH(at_every_point_that_fails_checkpoints_stay_whole_and_the_next_is_right));
}
