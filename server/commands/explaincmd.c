/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/explaincmd.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/eval/evalscript.h"
#include "server/eval/evaltext.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* No getopt: its struct option and cep/row/schema.h's cannot be in one file. */
static const char usage[] =
    "usage: weir explain FILE.sql... [--rule NAME] [--format text|json|dot]\n"
    "Compiles the statements and prints what each rule (or the one named) has become: its plan, "
    "how much\n"
    "state it keeps, its automaton, and what it shares with the others. DOT is for Graphviz:\n"
    "\n"
    "  weir explain rules.sql --rule card_testing --format dot | dot -Tsvg > card_testing.svg\n"
    "\n"
    "Exit code: 0; 1 if a rule does not compile or is not there; 2 for wrong use or a file that "
    "cannot be read.\n";

struct explaining {
    struct evaltext text;
    const char *rule; /* NULL: all */
    enum explain_format format;
    struct script *script;
};

static struct job *make_job(const struct script *s)
{
    struct evalscript e = evalscript_sort(s);
    struct job *job = job_new(e.streams, e.nstreams, e.rules, e.nrules);
    mem_free(e.streams);
    mem_free(e.rules);
    return job;
}

static int print(const struct explaining *x)
{
    struct job *job = make_job(x->script);
    struct bytes out = {0};
    unsigned shown = 0;
    for (unsigned i = 0; i < job_nrules(job); i++) {
        const struct rule_plan *p = job_rule(job, i)->plan;
        if (x->rule && strcasecmp(p->name, x->rule) != 0)
            continue;
        if (shown++ > 0 && x->format == EXPLAIN_TEXT)
            bytes_u8(&out, '\n');
        compile_explain_rule(p, job, x->format, &out);
    }
    fwrite(out.p ? (const char *)out.p : "", 1, out.n, stdout);
    bytes_fini(&out);
    job_unref(job);
    if (shown > 0)
        return ARGS_OK;
    args_complain("explain", x->rule ? "there is no rule '%s'" : "there is no rule%s",
                  x->rule ? x->rule : "");
    return ARGS_FAILED;
}

static int explain(struct explaining *x)
{
    struct diag d;
    const char *text = (const char *)x->text.text.p;
    diag_init(&d, text, x->text.text.n);
    enum err e = compile_script_bounded(text, x->text.text.n, NULL, &d, &x->script);
    evaltext_say(&x->text, &d);
    diag_fini(&d);
    int code = e == ERR_OK ? print(x) : ARGS_FAILED;
    compile_script_free(x->script);
    return code;
}

static int take_file(struct explaining *x, const char *path)
{
    enum err e = evaltext_add(&x->text, path);
    if (e == ERR_OK)
        return ARGS_OK;
    return args_complain("explain", "%s: %s", path, e == ERR_IO ? strerror(errno) : err_text(e));
}

static int take_argument(struct explaining *x, char **argv, int *i)
{
    const char *word = argv[*i];
    if (strncmp(word, "--", 2) != 0)
        return take_file(x, word);
    bool rule = strcmp(word, "--rule") == 0;
    if (!rule && strcmp(word, "--format") != 0)
        return args_complain("explain", "'%s' is no option; see `weir explain --help`", word);
    const char *value = argv[++*i];
    if (!value)
        return args_complain("explain", "%s needs a word after it", word);
    if (rule)
        x->rule = value;
    else if (!compile_explain_format(value, &x->format))
        return args_complain("explain", "--format is text, json or dot, not '%s'", value);
    return ARGS_OK;
}

int explaincmd_main(int argc, char **argv)
{
    struct explaining x = {.format = EXPLAIN_TEXT, .text.command = "explain"};
    int code = ARGS_OK;
    for (int i = 1; i < argc && code == ARGS_OK; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            evaltext_fini(&x.text);
            return ARGS_OK;
        }
        code = take_argument(&x, argv, &i);
    }
    if (code == ARGS_OK && x.text.nfiles == 0)
        code = args_complain("explain", "no file of rules is named; see `weir explain --help`");
    if (code == ARGS_OK)
        code = explain(&x);
    evaltext_fini(&x.text);
    return code;
}
