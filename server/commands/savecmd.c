/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/savecmd.h"
#include "base/durable.h"
#include "base/mem.h"
#include "server/api/rulekey.h"
#include "server/args.h"
#include "server/checkpoint/saveinspect.h"
#include "state/checkpoint.h"
#include "state/savepoint.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: weir savepoint list [--data FOLDER]\n"
    "       weir savepoint inspect NAME|FOLDER [--rule NAME [--key VALUE]]\n"
    "       weir savepoint verify NAME|FOLDER\n"
    "       weir savepoint export NAME|FOLDER --to FOLDER\n"
    "       weir savepoint dispose NAME\n"
    "\n"
    "NAME is a savepoint of the data folder (--data, ./weir-data if it is not given, as for `weir "
    "serve`), FOLDER any other; "
    "it has "
    "a slash in it.\n"
    "No server is needed, and one may run.\n"
    "\n"
    "  inspect   rules, positions, operators, and how many partial matches and windows each rule "
    "has;\n"
    "            with --rule what it keeps of each key, as one JSON object a line, or of one key\n"
    "  verify    read all of it, and hold it against its checksums\n"
    "  export    a copy in another folder, which `weir serve --from-savepoint FOLDER` begins with\n"
    "  dispose   delete it\n"
    "\n"
    "Exit code: 0; 1 if the savepoint is damaged or not there; 2 for wrong use.\n";

enum { KEYS_AT_ONCE = 1000, ITEMS = 1000 };

struct savecmd {
    const char *data, *name, *rule, *key, *to;
    char *root, *folder;
    struct diag d;
};

static int failed(struct savecmd *x)
{
    char *text = diag_text(&x->d);
    args_complain("savepoint", "%s", text);
    mem_free(text);
    return ARGS_FAILED;
}

/* --- list ------------------------------------------------------------------------------------------------------------ */

static void list_one(const char *root, const char *name)
{
    char at[TIMEBASE_TEXT] = "";
    struct diag d;
    struct savemeta *m = NULL;
    char *folder = savepoint_folder(root, name);
    diag_init(&d, NULL, 0);
    if (savemeta_read(folder, &d, &m) == ERR_OK) {
        timebase_format(m->created, at);
        printf("%-24s %s  %-10s %10" PRIu64 " entries %12" PRIu64 " bytes  %zu rules\n", name, at,
               m->trigger, savemeta_entries(m), savemeta_bytes(m), m->check->nrules);
    } else {
        printf("%-24s cannot be read: %s\n", name, d.items[0].message);
    }
    savemeta_free(m);
    mem_free(folder);
    diag_fini(&d);
}

static int list(struct savecmd *x)
{
    char **names = NULL;
    size_t n = savepoint_list(x->root, &names);
    for (size_t i = 0; i < n; i++) {
        list_one(x->root, names[i]);
        mem_free(names[i]);
    }
    mem_free(names);
    return ARGS_OK;
}

/* --- inspect --------------------------------------------------------------------------------------------------------- */

static void print_time(const char *before, evtime t)
{
    char at[TIMEBASE_TEXT];
    timebase_format(t, at);
    printf("%s%s", before,
           t == EVTIME_MIN   ? "none yet"
           : t == EVTIME_MAX ? "the input has ended"
                             : at);
}

static void print_rules(struct saveinspect *s)
{
    const struct job *job = saveinspect_job(s);
    printf("\nrules\n");
    for (unsigned i = 0; job != NULL && i < job_nrules(job); i++) {
        const struct job_rule *r = job_rule(job, i);
        struct task_rule_stats st;
        task_rule_stats(saveinspect_task(s), i, &st);
        printf("  %-24s version %-4u %10" PRIu64 " partial matches %10" PRIu64 " windows\n",
               r->plan->name, r->version, st.partials, st.windows_open);
    }
}

static void print_all(const struct savemeta *m, struct saveinspect *s)
{
    printf("savepoint %s", m->name);
    print_time(", of ", m->created);
    printf(" (%s)\n  written by release %s, %u workers, %u key groups; checkpoint %" PRIu64 "\n",
           m->trigger, m->release, m->check->workers, m->check->key_groups, m->check->id);
    printf("  %" PRIu64 " entries, %" PRIu64 " bytes in %u files, %" PRIu64
           " records of rows that wait\n",
           savemeta_entries(m), savemeta_bytes(m), m->nfiles, saveinspect_waiting(s));
    print_rules(s);
    printf("\npositions\n");
    for (size_t i = 0; i < m->check->npositions; i++) {
        const struct checkmeta_position *p = &m->check->positions[i];
        printf("  %-24s partition %-3u up to offset %" PRIu64, p->stream, p->at.partition,
               p->at.offset);
        print_time(", watermark ", p->at.w);
        printf("\n");
    }
    printf("\noperators\n");
    for (size_t i = 0; i < m->noperators; i++)
        printf("  %-40s %10" PRIu64 " entries %12" PRIu64 " bytes in %4u key groups\n",
               m->operators[i].id, m->operators[i].entries, m->operators[i].bytes,
               saveinspect_groups(s, m->operators[i].id));
}

/* Objects with commas between, each as a line. */
static void print_objects(const struct bytes *out)
{
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < out->n; i++) {
        char c = (char)out->p[i];
        if (text && c == '\\' && i + 1 < out->n) {
            putchar(c);
            putchar(out->p[++i]);
            continue;
        }
        text ^= c == '"';
        depth += text ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
        if (c != ',' || depth > 0)
            putchar(c);
        if (c == '}' && depth == 0 && !text)
            putchar('\n');
    }
}

static int print_keys(struct savecmd *x, struct saveinspect *s, unsigned rule)
{
    const struct rule_plan *p = job_rule(saveinspect_job(s), rule)->plan;
    struct bytes key = {0}, out = {0};
    struct taskinspect_ask ask = {.rule = rule, .keys = KEYS_AT_ONCE, .items = ITEMS};
    if (x->key != NULL && rulekey_from_text(p, x->key, &x->d, &key) != ERR_OK) {
        bytes_fini(&key);
        return failed(x);
    }
    ask.key = x->key != NULL ? key.p : NULL;
    ask.key_n = key.n;
    do {
        unsigned n = 0;
        bytes_reset(&out);
        ask.from = taskinspect_rule(saveinspect_task(s), &ask, &out, &n);
        print_objects(&out);
    } while (ask.from != 0);
    bytes_fini(&out);
    bytes_fini(&key);
    return ARGS_OK;
}

static int print_rule(struct savecmd *x, struct saveinspect *s)
{
    const struct job *job = saveinspect_job(s);
    for (unsigned i = job == NULL ? 0 : job_nrules(job); i-- > 0;) /* the newest version */
        if (strcasecmp(job_rule(job, i)->plan->name, x->rule) == 0)
            return print_keys(x, s, i);
    diag_say(&x->d, "not-found", NULL, "the savepoint has no rule '%s'", x->rule);
    return failed(x);
}

static int inspect(struct savecmd *x)
{
    struct savemeta *m = NULL;
    struct saveinspect *s = NULL;
    int code = ARGS_OK;
    enum err e = savemeta_read(x->folder, &x->d, &m);
    if (e == ERR_OK)
        e = savemeta_verify(m, x->folder, &x->d);
    if (e == ERR_OK)
        e = saveinspect_open(m, x->folder, &x->d, &s);
    if (e != ERR_OK)
        code = failed(x);
    else if (x->rule != NULL)
        code = print_rule(x, s);
    else
        print_all(m, s);
    saveinspect_close(s);
    savemeta_free(m);
    return code;
}

/* --- verify, export, dispose ------------------------------------------------------------------------------------------- */

static int verify(struct savecmd *x)
{
    struct savemeta *m = NULL;
    enum err e = savemeta_read(x->folder, &x->d, &m);
    if (e == ERR_OK)
        e = savemeta_verify(m, x->folder, &x->d);
    if (e == ERR_OK)
        printf("%s is whole: %u files, %" PRIu64 " entries\n", m->name, m->nfiles,
               savemeta_entries(m));
    savemeta_free(m);
    return e == ERR_OK ? ARGS_OK : failed(x);
}

static enum err copy(struct savecmd *x, const struct savemeta *m)
{
    struct bytes text = {0};
    enum err e = ERR_OK;
    if (mkdir(x->to, 0750) < 0) {
        diag_say(&x->d, "savepoint", NULL, "%s cannot be made: %s", x->to, strerror(errno));
        return err_from_errno(errno);
    }
    for (unsigned i = 0; i < m->nfiles && e == ERR_OK; i++) {
        char *from = mem_printf("%s/%s", x->folder, m->files[i].name);
        char *to = mem_printf("%s/%s", x->to, m->files[i].name);
        e = savepoint_copy_file(from, to, &x->d);
        mem_free(from);
        mem_free(to);
    }
    if (e == ERR_OK)
        e = checkpoint_get_metadata(x->folder, &text, &x->d);
    if (e == ERR_OK) /* the last: without it there is none */
        e = checkpoint_put_metadata(x->to, (const char *)text.p, text.n, &x->d);
    bytes_fini(&text);
    return e;
}

static int export(struct savecmd *x)
{
    struct savemeta *m = NULL;
    if (x->to == NULL)
        return args_complain("savepoint", "export needs --to FOLDER");
    enum err e = savemeta_read(x->folder, &x->d, &m);
    if (e == ERR_OK)
        e = savemeta_verify(m, x->folder, &x->d);
    if (e == ERR_OK)
        e = copy(x, m);
    savemeta_free(m);
    return e == ERR_OK ? ARGS_OK : failed(x);
}

static int dispose(struct savecmd *x)
{
    if (!savepoint_is_name(x->name))
        return args_complain("savepoint", "'%s' is no name of a savepoint", x->name);
    return savepoint_remove(x->root, x->name, &x->d) == ERR_OK ? ARGS_OK : failed(x);
}

/* --- the command line ---------------------------------------------------------------------------------------------------- */

static const struct subcommand {
    const char *name;
    int (*run)(struct savecmd *x);
    bool named;
} subcommands[] = {
    {"list", list, false},    {"inspect", inspect, true}, {"verify", verify, true},
    {"export", export, true}, {"dispose", dispose, true},
};

static const struct subcommand *find(const char *name)
{
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    return NULL;
}

static int take_argument(struct savecmd *x, char **argv, int *i)
{
    const struct {
        const char *flag, **to;
    } flags[] = {{"--data", &x->data}, {"--rule", &x->rule}, {"--key", &x->key}, {"--to", &x->to}};
    const char *word = argv[*i];
    if (strncmp(word, "--", 2) != 0 && x->name == NULL) {
        x->name = word;
        return ARGS_OK;
    }
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (strcmp(word, flags[k].flag) == 0) {
            *flags[k].to = argv[++*i];
            return *flags[k].to != NULL
                       ? ARGS_OK
                       : args_complain("savepoint", "%s needs a word after it", word);
        }
    return args_complain("savepoint", "'%s' is no option; see `weir savepoint --help`", word);
}

int savecmd_main(int argc, char **argv)
{
    struct savecmd x = {.data = "weir-data"};
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(usage, argc < 2 ? stderr : stdout);
        return argc < 2 ? ARGS_USAGE : ARGS_OK;
    }
    const struct subcommand *c = find(argv[1]);
    if (c == NULL)
        return args_complain("savepoint", "'%s' is none of list, inspect, verify, export, dispose",
                             argv[1]);
    int code = ARGS_OK;
    for (int i = 2; i < argc && code == ARGS_OK; i++)
        code = take_argument(&x, argv, &i);
    if (code == ARGS_OK && c->named && x.name == NULL)
        code =
            args_complain("savepoint", "%s needs the name of a savepoint, or its folder", c->name);
    if (code != ARGS_OK)
        return code;
    diag_init(&x.d, NULL, 0);
    x.root = mem_printf("%s/savepoints", x.data);
    if (x.name != NULL)
        x.folder = strchr(x.name, '/') != NULL ? mem_str(x.name) : savepoint_folder(x.root, x.name);
    code = c->run(&x);
    mem_free(x.root);
    mem_free(x.folder);
    diag_fini(&x.d);
    return code;
}
