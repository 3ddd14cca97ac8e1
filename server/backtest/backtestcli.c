/* SPDX-License-Identifier: Apache-2.0 */
#include "server/backtest/backtestcli.h"
#include "server/args.h"
#include "server/backtest/backtestcmd.h"
#include "server/backtest/backtestlocal.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir backtest STATEMENTS.sql... --rule RULE.sql --input [STREAM=]FILE.jsonl... "
    "[options]\n"
    "Runs a rule over recorded events and says what it would have told. STATEMENTS create the "
    "streams,\n"
    "lists, tables and rules that it reads. On a server: POST /api/v1/backtests.\n"
    "\n"
    "  --rule FILE               the rule: a SELECT or CREATE RULE, with :names for parameters\n"
    "  --input [STREAM=]FILE     events, one JSON object a line; each file is a partition\n"
    "  --parameter NAME=V,V,...  values of :NAME; each combination is a variant, all are one "
    "pass\n"
    "  --baseline FILE           compare with what this text would have told\n"
    "  --from TIME, --to TIME    alerts of this time: 2026-03-01, or milliseconds\n"
    "  --warm-up SPAN            events of so long before --from are read, too: '1 h'\n"
    "  --label COLUMN[=VALUE]    events in which it is so are fraud: precision, recall, F1\n"
    "  --sum COLUMN              of the rule's SELECT\n"
    "  --segments A,B,C          count alerts by up to three columns of the rule's SELECT (see "
    "--json)\n"
    "  --output FOLDER           is made: result.json and the alerts of each variant and side\n"
    "  --json                    print the result as JSON\n"
    "\n"
    "Exit code: 0; 1 if it failed; 2 for wrong use or a file that cannot be read.\n";

static const struct option long_options[] = {
    {"rule", required_argument, NULL, 'r'},
    {"input", required_argument, NULL, 'i'},
    {"parameter", required_argument, NULL, 'p'},
    {"baseline", required_argument, NULL, 'b'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"warm-up", required_argument, NULL, 'w'},
    {"label", required_argument, NULL, 'l'},
    {"sum", required_argument, NULL, 's'},
    {"segments", required_argument, NULL, 'g'},
    {"output", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* A number stays one; what is no JSON is a text. */
static json_t *value_of(const char *text, size_t n)
{
    json_t *v = json_loadb(text, n, JSON_DECODE_ANY, NULL);
    if (json_is_number(v) || json_is_boolean(v) || json_is_string(v))
        return v;
    json_decref(v);
    return json_stringn(text, n);
}

static json_t *names_of(const char *text)
{
    json_t *all = json_array();
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ",");
        json_array_append_new(all, json_stringn(p, n));
        p += n;
        if (*p == '\0')
            return all;
    }
}

static int add_parameter(json_t *plan, const char *text)
{
    const char *equals = strchr(text, '='), *p = equals;
    json_t *all = json_object_get(plan, "parameters"), *values = json_array();
    if (equals == NULL) {
        json_decref(values);
        return args_complain("backtest", "--parameter %s: give it as NAME=VALUE,VALUE", text);
    }
    if (all == NULL)
        json_object_set_new(plan, "parameters", all = json_object());
    do {
        size_t n = strcspn(++p, ",");
        json_array_append_new(values, value_of(p, n));
        p += n;
    } while (*p == ',');
    char *name = strndup(text, (size_t)(equals - text));
    json_object_set_new(all, name, values);
    free(name);
    return ARGS_OK;
}

static int add_input(json_t *plan, const char *text)
{
    const char *equals = strchr(text, '=');
    json_t *all = json_object_get(plan, "files"), *file = json_object();
    if (all == NULL)
        json_object_set_new(plan, "files", all = json_array());
    if (equals != NULL)
        json_object_set_new(file, "stream", json_stringn(text, (size_t)(equals - text)));
    json_object_set_new(file, "path", json_string(equals != NULL ? equals + 1 : text));
    json_array_append_new(all, file);
    return ARGS_OK;
}

static int set_label(json_t *plan, const char *text)
{
    const char *equals = strchr(text, '=');
    json_t *label = json_object();
    json_object_set_new(label, "column",
                        json_stringn(text,
                                     equals != NULL ? (size_t)(equals - text) : strlen(text)));
    if (equals != NULL)
        json_object_set_new(label, "value", json_string(equals + 1));
    json_object_set_new(plan, "label", label);
    return ARGS_OK;
}

static int set_field(json_t *plan, const char *field, json_t *value)
{
    json_object_set_new(plan, field, value);
    return ARGS_OK;
}

static int set_option(struct backtestlocal_options *o, int option)
{
    switch (option) {
    case 'r':
        o->rule = optarg;
        return ARGS_OK;
    case 'b':
        o->baseline = optarg;
        return ARGS_OK;
    case 'o':
        o->output = optarg;
        return ARGS_OK;
    case 'j':
        o->json = true;
        return ARGS_OK;
    case 'i':
        return add_input(o->plan, optarg);
    case 'p':
        return add_parameter(o->plan, optarg);
    case 'l':
        return set_label(o->plan, optarg);
    case 'f':
        return set_field(o->plan, "from", value_of(optarg, strlen(optarg)));
    case 't':
        return set_field(o->plan, "to", value_of(optarg, strlen(optarg)));
    case 'w':
        return set_field(o->plan, "warm_up", json_string(optarg));
    case 's':
        return set_field(o->plan, "sum", json_string(optarg));
    case 'g':
        return set_field(o->plan, "segments", names_of(optarg));
    default:
        fputs("weir backtest: `weir backtest --help` lists the options\n", stderr);
        return ARGS_USAGE;
    }
}

int backtestcli_main(int argc, char **argv)
{
    int option, code = ARGS_OK;
    if (argc == 4 && strcmp(argv[1], "--job") == 0)
        return backtestcmd_main(argv[2], argv[3]); /* a server's */
    struct backtestlocal_options o = {.plan = json_object()};
    while (code == ARGS_OK && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1 &&
           option != 'h')
        code = set_option(&o, option);
    o.statements = argv + optind;
    o.nstatements = (unsigned)(argc - optind);
    if (code == ARGS_OK && option == 'h')
        fputs(usage, stdout);
    else if (code == ARGS_OK && (o.nstatements == 0 || o.rule == NULL))
        code = args_complain("backtest", "name a file of statements and a --rule; see `weir "
                                         "backtest --help`");
    else if (code == ARGS_OK)
        code = backtestlocal_run(&o);
    json_decref(o.plan);
    return code;
}
