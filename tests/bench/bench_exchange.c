/* SPDX-License-Identifier: Apache-2.0 */
/* What two workers have to do, against one: bench_exchange FOLDER QUERIES [ROUNDS]. FOLDER has part0.jsonl to part3.jsonl;
 * QUERIES is tests/bench/queries. Both workers are tasks of this process that take turns, so that neither waits and no other process
 * takes part: what is told is processor time of each part of their work, the least of all rounds. Sockets are left out. */
#include "base/mem.h"
#include "base/timebase.h"
#include "server/deploy/registry.h"
#include "server/worker/workersource.h"
#include "server/worker/workerwatch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, PARTITIONS = 4, ROUNDS = 5, BATCHES_A_TURN = 4, TEXT_MAX = 4096 };
enum part { SOURCES, FRAMES, STEPS, EFFECTS, PARTS };
static const char *const part_names[PARTS] = {"sources", "frames", "steps", "effects"};
static const char *const rules[] = {"filter", "kleene",   "seq",        "spend",
                                    "travel", "velocity", "unconfirmed"};

struct bench_worker {
    struct task *task;
    struct workersource *source;
    struct bytes inbox, reading; /* frames: u32 length, bytes */
    int64_t ns[PARTS];
    size_t results, bytes;
};

static bool add(struct registry *r, const char *queries, const char *folder)
{
    char path[TEXT_MAX], text[TEXT_MAX], *end;
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = ERR_OK;
    for (unsigned i = 0; i <= sizeof rules / sizeof *rules && e == ERR_OK; i++) {
        snprintf(path, sizeof path, "%s/%s.sql", queries, i == 0 ? "payments" : rules[i - 1]);
        FILE *f = fopen(path, "r");
        size_t n = f == NULL ? 0 : fread(text, 1, sizeof text - 1, f);
        if (f != NULL)
            fclose(f);
        text[n] = '\0';
        if ((end = strrchr(text, ';')) == NULL)
            return false;
        *end = '\0';
        if (i == 0) {
            snprintf(end, sizeof text - (size_t)(end - text),
                     " WITH ('connector'='file', 'path'='%s/part*.jsonl')", folder);
            e = registry_add_stream(r, 1, PARTITIONS, text, strlen(text), &d);
        } else {
            const struct job_cut cut = {.deployed = true, .mode = RULE_ACTIVE, .w = EVTIME_MIN};
            const struct control_rule rule = {.uid = i,
                                              .version = 1,
                                              .name = rules[i - 1],
                                              .sql = text,
                                              .ncuts = 1,
                                              .cuts = &cut};
            e = registry_put_rule(r, &rule, NULL, &d);
        }
    }
    if (e != ERR_OK)
        fprintf(stderr, "%s: %s\n", path, diag_text(&d));
    diag_fini(&d);
    return e == ERR_OK;
}

static void on_bad(void *ctx, const struct control_bad_row *row)
{
    (void)ctx;
    fprintf(stderr, "%s\n", row->reason);
}

static void begin(struct bench_worker *w, unsigned i, unsigned workers, struct job *j,
                  struct registry *r, struct workerwatch *watch)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    const struct task_options o = {.worker = i,
                                   .workers = workers,
                                   .key_groups = 128,
                                   .max_ordering_rows = 1000000};
    memset(w->ns, 0, sizeof w->ns);
    w->results = w->bytes = 0;
    w->task = task_new(&o);
    w->source = workersource_new(w->task, watch, on_bad, NULL);
    task_set_job(w->task, j);
    workersource_set_job(w->source, j);
    for (unsigned p = i; p < PARTITIONS; p += workers)
        if (workersource_open(w->source, registry_stream(r, "payments"),
                              &(struct control_open){1, p, 0, EVTIME_MIN}, &d) != ERR_OK)
            fprintf(stderr, "%s\n", diag_text(&d));
    diag_fini(&d);
}

static int64_t lap(struct bench_worker *w, enum part part, int64_t from)
{
    int64_t now = timebase_cpu_ns();
    w->ns[part] += now - from;
    return now;
}

static bool turn(struct bench_worker *all, unsigned i)
{
    struct bench_worker *w = &all[i];
    struct diag d;
    diag_init(&d, NULL, 0);
    int64_t at = timebase_cpu_ns();
    struct bytes in = w->inbox;
    w->inbox = w->reading;
    w->inbox.n = 0;
    w->reading = in;
    for (size_t pos = 0; pos < in.n;) {
        uint32_t n;
        memcpy(&n, in.p + pos, sizeof n);
        if (task_frame(w->task, 1 - i, in.p + pos + sizeof n, n) != ERR_OK)
            fprintf(stderr, "a frame is refused\n");
        pos += sizeof n + n;
    }
    at = lap(w, FRAMES, at);
    bool more = in.n > 0;
    for (unsigned b = 0; b < BATCHES_A_TURN && workersource_has(w->source); b++, more = true)
        if (workersource_take(w->source, &d) != ERR_OK)
            fprintf(stderr, "%s\n", diag_text(&d));
    at = lap(w, SOURCES, at);
    task_step(w->task);
    at = lap(w, STEPS, at);
    const struct task_effects *fx = task_effects_full(w->task);
    if (!more)
        fx = task_effects(w->task);
    w->results += fx->nresults;
    for (unsigned f = 0; f < fx->nframes; f++, more = true) {
        struct bytes *out = &all[fx->frames[f].to].inbox;
        bytes_u32(out, fx->frames[f].n);
        bytes_put(out, fx->frames[f].p, fx->frames[f].n);
        w->bytes += fx->frames[f].n;
    }
    task_effects_clear(w->task);
    lap(w, EFFECTS, at);
    diag_fini(&d);
    return more;
}

/* The busier one's processor time by part goes to `least`, if it is the least so far. */
static void run(unsigned workers, struct job *j, struct registry *r, struct workerwatch *watch,
                struct bench_worker *least)
{
    static struct bench_worker all[WORKERS];
    int64_t busiest = -1;
    const struct bench_worker *b = NULL;
    size_t results = 0, bytes = 0;
    for (unsigned i = 0; i < workers; i++)
        begin(&all[i], i, workers, j, r, watch);
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < workers; i++)
            more = turn(all, i) || more;
    }
    for (unsigned i = 0; i < workers; i++) {
        int64_t sum = 0;
        for (unsigned p = 0; p < PARTS; p++)
            sum += all[i].ns[p];
        b = sum > busiest ? &all[i] : b;
        busiest = sum > busiest ? sum : busiest;
        results += all[i].results;
        bytes += all[i].bytes;
        workersource_free(all[i].source);
        task_free(all[i].task);
    }
    int64_t before = 0;
    for (unsigned p = 0; p < PARTS; p++)
        before += least->ns[p];
    if (before == 0 || busiest < before)
        memcpy(least->ns, b->ns, sizeof least->ns);
    least->results = results;
    least->bytes = bytes;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct registry *r = registry_new();
    if (!add(r, argv[2], argv[1]))
        return 1;
    struct job *j = registry_job(r);
    struct workerwatch *watch = workerwatch_new(-1);
    struct bench_worker least[WORKERS] = {{0}};
    int64_t sums[WORKERS] = {0};
    for (int round = 0; round < (argc > 3 ? atoi(argv[3]) : ROUNDS); round++)
        for (unsigned n = 1; n <= WORKERS; n++)
            run(n, j, r, watch, &least[n - 1]);
    for (unsigned n = 1; n <= WORKERS; n++) {
        printf("%u worker(s):", n);
        for (unsigned p = 0; p < PARTS; p++) {
            printf(" %s %.2f", part_names[p], (double)least[n - 1].ns[p] / 1e9);
            sums[n - 1] += least[n - 1].ns[p];
        }
        printf(" all %.2f s, %zu results, %.1f MB\n", (double)sums[n - 1] / 1e9,
               least[n - 1].results, (double)least[n - 1].bytes / 1e6);
    }
    printf("two workers, in times of one: %.2f\n", (double)sums[0] / (double)sums[1]);
    job_unref(j);
    registry_free(r);
    workerwatch_free(watch);
    return 0;
}
