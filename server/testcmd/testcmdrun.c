/* SPDX-License-Identifier: Apache-2.0 */
#include "server/testcmd/testcmdrun.h"
#include "base/arena.h"
#include "base/mem.h"
#include "server/eval/evalfeed.h"
#include "server/eval/evalrun.h"
#include "server/eval/evalscript.h"
#include "server/eval/evaltext.h"
#include "server/testcmd/testcmdbind.h"
#include "server/testcmd/testcmddiff.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 16 << 10, PATH_BYTES = 64 };

struct suite {
    const char *path;
    const struct testcmdrun_options *o;
    struct testcmdrun_counts *counts;
    struct evaltext own, all; /* the test file; what the compiler reads */
    struct testcmdfile *file;
    struct script *script;
    const struct schema **streams;
    struct job_rule *rules;
    unsigned nstreams, nrules;
    struct job *job;
    struct arena *arena; /* of paths and of a test's names */
};

/* --- TAP ----------------------------------------------------------------------------------------- */

/* One line; `#` would begin a directive. */
static void put_description(const char *name)
{
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ')
            putchar(' ');
        else if (*p == '#')
            fputs("\\#", stdout);
        else
            putchar(*p);
    putchar('\n');
}

static void put_block(const char *key, const struct bytes *text)
{
    const char *p = (const char *)text->p, *end = p + text->n;
    printf("    %s: |\n", key);
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
        printf("      %.*s\n", (int)n, p);
        p += n + (newline != NULL);
    }
}

static void result(struct suite *s, bool good, const char *name, const char *key,
                   const struct bytes *text)
{
    s->counts->tests++;
    s->counts->failed += !good;
    printf("%sok %u - ", good ? "" : "not ", s->counts->tests);
    put_description(name);
    if (!good) {
        printf("    ---\n");
        put_block(key, text);
        printf("    ...\n");
    }
    fflush(stdout);
}

/* The file cannot be run: that is one test that fails. */
static void refuse(struct suite *s, const struct evaltext *t, const struct diag *d)
{
    struct bytes text = {0};
    evaltext_tell(t, d, &text);
    result(s, false, s->path, "errors", &text);
    bytes_fini(&text);
}

/* --- the rules ----------------------------------------------------------------------------------- */

static bool include(struct suite *s, unsigned i, struct diag *d)
{
    const char *slash = strrchr(s->path, '/'), *name = s->file->includes[i];
    int dir = slash ? (int)(slash + 1 - s->path) : 0;
    const char *path =
        *name == '/' ? name
                     : arena_printf(s->arena, "%.*s%s%s", dir, s->path, dir ? "" : "./", name);
    errno = 0;
    enum err e = evaltext_add(&s->all, path);
    if (e == ERR_OK)
        return true;
    diag_error(d, "include", s->file->include_at[i], NULL, "%s: %s", path,
               e == ERR_LIMIT ? "too much text" : strerror(errno));
    return false;
}

/* The files included, then the CREATE statements of the test file, in their places. */
static bool gather(struct suite *s, struct diag *d)
{
    struct evaltext *t = &s->all;
    t->command = "test";
    bool good = true;
    for (unsigned i = 0; i < s->file->nincludes; i++)
        good &= include(s, i, d);
    t->paths[t->nfiles] = s->path;
    t->first_line[t->nfiles++] = t->lines + 1;
    bytes_put(&t->text, s->file->sql, s->file->sql_n);
    return good;
}

static void sort_out(struct suite *s)
{
    struct evalscript e = evalscript_sort(s->script);
    for (unsigned i = 0; i < e.nstreams; i++) /* the script's own, as in `weir eval` */
        ((struct schema *)e.streams[i])->partitions = 1;
    s->streams = e.streams;
    s->nstreams = e.nstreams;
    s->rules = e.rules;
    s->nrules = e.nrules;
    s->job = job_new(s->streams, s->nstreams, s->rules, s->nrules);
}

static bool compile(struct suite *s)
{
    struct diag d;
    const char *text = (const char *)s->all.text.p;
    diag_init(&d, text, s->all.text.n);
    enum err e = compile_script_bounded(text, s->all.text.n, NULL, &d, &s->script);
    if (e == ERR_OK)
        sort_out(s);
    if (e == ERR_OK && (s->nstreams == 0 || s->nrules == 0)) {
        diag_say(&d, "test", "INCLUDE 'rules.sql'; names a file of them", "there is no %s to test",
                 s->nstreams == 0 ? "stream" : "rule");
        e = ERR_INVALID;
    }
    if (e != ERR_OK && d.errors == 0)
        diag_say(&d, "test", NULL, "%s", err_text(e));
    if (e != ERR_OK)
        refuse(s, &s->all, &d);
    diag_fini(&d);
    return e == ERR_OK;
}

/* --- one test ------------------------------------------------------------------------------------ */

static int memory_file(const char *name, const struct bytes *text)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && text && at < text->n;) {
        ssize_t n = write(fd, text->p + at, text->n - at);
        if (n < 0) {
            close(fd);
            return -1;
        }
        at += (size_t)n;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_back(int fd, struct bytes *out)
{
    ssize_t n;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return false;
    while ((n = read(fd, bytes_reserve(out, 1 << 16), 1 << 16)) > 0)
        out->n += (size_t)n;
    return n == 0;
}

/* The engine of `weir eval`, from a file in memory to a file in memory. */
static bool run_feed(struct suite *s, const struct testcmdfile_test *t, int in, int out)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/self/fd/%d", in);
    struct evalfeed_input input = {.path = path, .stream = s->nstreams == 1 ? 0 : -1};
    struct evalfeed_options o = {.streams = s->streams,
                                 .nstreams = s->nstreams,
                                 .inputs = &input,
                                 .ninputs = 1,
                                 .batch = BATCH_ROWS,
                                 .no_end = t->no_end};
    struct evalfeed *feed = NULL;
    unsigned which = 0;
    if (evalfeed_new(&o, &which, &feed) != ERR_OK)
        return false;
    struct evalrun *run = evalrun_new(s->job, s->o->workers, out, evalfeed_late_row, feed);
    bool good = evalfeed_run(feed, s->job, run) == ERR_OK && evalrun_broken(run) == NULL;
    evalrun_free(run);
    evalfeed_free(feed);
    return good;
}

static bool run_events(struct suite *s, const struct testcmdfile_test *t, const struct bytes *lines,
                       struct bytes *found)
{
    int in = memory_file("events", lines), out = memory_file("results", NULL);
    bool good = in >= 0 && out >= 0 && run_feed(s, t, in, out) && read_back(out, found);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

static void run_test(struct suite *s, const struct testcmdfile_test *t)
{
    s->own.command = "test";
    const char *text = (const char *)s->own.text.p;
    struct bytes found = {0}, difference = {0};
    struct testcmdbind b;
    struct diag d;
    const struct testcmdbind_rules rules = {s->streams, s->nstreams, s->rules, s->nrules};
    diag_init(&d, text, s->own.text.n);
    if (!testcmdbind_test(&rules, t, s->arena, &d, &b)) {
        evaltext_tell(&s->own, &d, &difference);
        result(s, false, t->name, "errors", &difference);
    } else if (!run_events(s, t, &b.lines, &found)) {
        bytes_printf(&difference, "the events cannot be run: %s\n", strerror(errno));
        s->counts->broken = true;
        result(s, false, t->name, "errors", &difference);
    } else {
        bool same = testcmddiff_compare(&b, &found, text, s->own.text.n, &difference);
        result(s, same, t->name, "diff", &difference);
    }
    testcmdbind_fini(&b);
    bytes_fini(&found);
    bytes_fini(&difference);
    diag_fini(&d);
    arena_reset(s->arena);
}

/* --- a file -------------------------------------------------------------------------------------- */

static bool load(struct suite *s)
{
    struct diag d;
    diag_init(&d, NULL, 0);
    enum err e = testcmdfile_parse((const char *)s->own.text.p, s->own.text.n, &d, &s->file);
    bool good = e == ERR_OK && gather(s, &d);
    if (!good)
        refuse(s, &s->own, &d);
    diag_fini(&d);
    return good && compile(s);
}

static void unload(struct suite *s)
{
    job_unref(s->job);
    mem_free(s->streams);
    mem_free(s->rules);
    compile_script_free(s->script);
    testcmdfile_free(s->file);
    evaltext_fini(&s->own);
    evaltext_fini(&s->all);
    arena_free(s->arena);
}

void testcmdrun_file(const char *path, const struct testcmdrun_options *o,
                     struct testcmdrun_counts *counts)
{
    struct suite *s = mem_new(sizeof *s);
    *s = (struct suite){.path = path, .o = o, .counts = counts, .arena = arena_new(BLOCK, 0)};
    enum err e = evaltext_add(&s->own, path);
    if (e != ERR_OK) {
        struct bytes why = {0};
        bytes_printf(&why, "%s\n", e == ERR_IO ? strerror(errno) : err_text(e));
        counts->broken = true;
        result(s, false, path, "errors", &why);
        bytes_fini(&why);
    } else if (load(s)) {
        printf("# %s\n", path);
        for (const struct testcmdfile_test *t = s->file->tests; t; t = t->next)
            if (!o->name || strcasestr(t->name, o->name))
                run_test(s, t);
    }
    unload(s);
    mem_free(s);
}
