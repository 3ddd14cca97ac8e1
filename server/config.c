/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/size.h"
#include "base/timebase.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum kind { TEXT, COUNT, SIZE, SPAN, SWITCH };
static const struct option_row {
    const char *name, *value, *unit, *help;
    enum kind kind;
    uint64_t least, most;
    size_t offset;
} rows[] = {
#define CONFIG_ROW(name, type, value, least, most, unit, help)                                     \
    {#name, value, unit, help, type, least, most, offsetof(struct config, name)},
    CONFIG_LIST(CONFIG_ROW)
#undef CONFIG_ROW
};
enum { NROWS = sizeof rows / sizeof *rows, NAME_MAX_BYTES = 64 };

static char **text_at(struct config *c, const struct option_row *row)
{
    return (char **)((char *)c + row->offset);
}

static uint64_t *number_at(struct config *c, const struct option_row *row)
{
    return (uint64_t *)((char *)c + row->offset);
}

/* max_body as people write it: max-body; memory.state is memory-state, too. */
static const char *shown(const char *name, char out[NAME_MAX_BYTES])
{
    size_t i = 0;
    for (; name[i] && i < NAME_MAX_BYTES - 1; i++)
        out[i] = name[i] == '_' || name[i] == '.' ? '-' : name[i];
    out[i] = '\0';
    return out;
}

static bool parse_count(const char *s, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    if (*s < '0' || *s > '9')
        return false;
    *out = strtoull(s, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool parse(const struct option_row *row, const char *text, uint64_t *out)
{
    int64_t ms = 0;
    switch (row->kind) {
    case COUNT:
        return parse_count(text, out);
    case SIZE:
        return size_parse(text, out);
    case SWITCH:
        *out = strcmp(text, "true") == 0;
        return *out || strcmp(text, "false") == 0;
    default:
        if (!timebase_parse_duration(text, strlen(text), &ms) || ms < 0)
            return false;
        *out = (uint64_t)ms;
        return true;
    }
}

void config_init(struct config *c)
{
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < NROWS; i++) {
        if (rows[i].kind == TEXT)
            *text_at(c, &rows[i]) = mem_str(rows[i].value);
        else
            BUG_IF(!parse(&rows[i], rows[i].value, number_at(c, &rows[i])), "default of %s",
                   rows[i].name);
    }
}

void config_fini(struct config *c)
{
    for (size_t i = 0; i < NROWS; i++)
        if (rows[i].kind == TEXT)
            mem_free(*text_at(c, &rows[i]));
    memset(c, 0, sizeof *c);
}

static const struct option_row *find(const char *name)
{
    char a[NAME_MAX_BYTES], b[NAME_MAX_BYTES];
    for (size_t i = 0; i < NROWS; i++)
        if (strcmp(shown(rows[i].name, a), shown(name, b)) == 0)
            return &rows[i];
    return NULL;
}

static void say_unknown(const char *name, struct diag *d)
{
    char names[NROWS][NAME_MAX_BYTES], given[NAME_MAX_BYTES];
    const char *list[NROWS];
    for (size_t i = 0; i < NROWS; i++)
        list[i] = shown(rows[i].name, names[i]);
    const char *near = diag_nearest(shown(name, given), list, NROWS);
    char *hint = near ? mem_printf("did you mean '%s'?", near)
                      : mem_str("`weir serve --help` lists all options");
    diag_say(d, "unknown-option", hint, "there is no option '%s'", given);
    mem_free(hint);
}

enum err config_set(struct config *c, const char *name, const char *text, struct diag *d)
{
    static const char *const kinds[] = {"a text", "a whole number",
                                        "a number of bytes, as in 10 MiB", "a time, as in 10 s",
                                        "true or false,"};
    const struct option_row *row = find(name);
    uint64_t v = 0;
    if (!row) {
        say_unknown(name, d);
        return ERR_NOT_FOUND;
    }
    if (row->kind == TEXT) {
        mem_free(*text_at(c, row));
        *text_at(c, row) = mem_str(text);
        return ERR_OK;
    }
    if (!parse(row, text, &v) || v < row->least || v > row->most) {
        char a[NAME_MAX_BYTES];
        diag_say(d, "bad-option", NULL,
                 "%s is '%s'; it must be %s from %" PRIu64 " to %" PRIu64 " %s",
                 shown(row->name, a), text, kinds[row->kind], row->least, row->most, row->unit);
        return ERR_INVALID;
    }
    *number_at(c, row) = v;
    return ERR_OK;
}

/* --- weir.yaml ----------------------------------------------------------------------------------------------- */

static enum err set_pair(struct config *c, yaml_document_t *doc, const yaml_node_pair_t *pair,
                         const char *path, struct diag *d)
{
    yaml_node_t *key = yaml_document_get_node(doc, pair->key);
    yaml_node_t *value = yaml_document_get_node(doc, pair->value);
    if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE) {
        diag_say(d, "bad-file", "docs/CONFIGURATION.md lists the options",
                 "%s, line %zu: an option has one plain value", path, key->start_mark.line + 1);
        return ERR_INVALID;
    }
    enum err e = config_set(c, (const char *)key->data.scalar.value,
                            (const char *)value->data.scalar.value, d);
    if (e != ERR_OK)
        diag_say(d, "bad-file", NULL, "%s, line %zu", path, key->start_mark.line + 1);
    return e;
}

static enum err set_all(struct config *c, yaml_document_t *doc, const char *path, struct diag *d)
{
    yaml_node_t *root = yaml_document_get_root_node(doc);
    enum err e = ERR_OK;
    if (!root)
        return ERR_OK; /* an empty file */
    if (root->type != YAML_MAPPING_NODE) {
        diag_say(d, "bad-file", "write one option a line, as in `port: 8080`",
                 "%s is no mapping of options to values", path);
        return ERR_INVALID;
    }
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
         e == ERR_OK && p < root->data.mapping.pairs.top; p++)
        e = set_pair(c, doc, p, path, d);
    return e;
}

enum err config_file(struct config *c, const char *path, struct diag *d)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    FILE *f = fopen(path, "r");
    if (!f) {
        diag_say(d, "no-file", NULL, "%s cannot be read: %s", path, strerror(errno));
        return err_from_errno(errno);
    }
    enum err e = ERR_INVALID;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_file(&parser, f);
    if (yaml_parser_load(&parser, &doc)) {
        e = set_all(c, &doc, path, d);
        yaml_document_delete(&doc);
    } else {
        diag_say(d, "bad-file", NULL, "%s, line %zu: %s", path, parser.problem_mark.line + 1,
                 parser.problem ? parser.problem : "not YAML");
    }
    yaml_parser_delete(&parser);
    fclose(f);
    return e;
}

/* --- the command line ---------------------------------------------------------------------------------------- */

/* The flag at argv[*i], *i moved to its last word. NULL in *value: it is the last word. */
static void take_flag(char **argv, int argc, int *i, char name[NAME_MAX_BYTES], const char **value)
{
    const char *arg = argv[*i] + 2, *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
    snprintf(name, NAME_MAX_BYTES, "%.*s", (int)(n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES), arg);
    const struct option_row *row = find(name);
    if (equals)
        *value = equals + 1;
    else if (row != NULL && row->kind == SWITCH)
        *value = "true";
    else
        *value = *i + 1 < argc ? argv[++*i] : NULL;
}

/* The config file is read before any other flag counts. */
static enum err each_flag(struct config *c, int argc, char **argv, bool files, struct diag *d,
                          bool *help)
{
    enum err e = ERR_OK;
    for (int i = 1; e == ERR_OK && i < argc; i++) {
        char name[NAME_MAX_BYTES];
        const char *value = NULL;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *help = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            diag_say(d, "bad-flag", "`weir serve --help` lists all options",
                     "'%s' is no option: they begin with --", argv[i]);
            return ERR_INVALID;
        }
        take_flag(argv, argc, &i, name, &value);
        bool is_file = strcmp(name, "config") == 0;
        if (!is_file && !find(name)) {
            say_unknown(name, d);
            return ERR_NOT_FOUND;
        }
        if (!value) {
            diag_say(d, "bad-flag", NULL, "--%s has no value", name);
            return ERR_INVALID;
        }
        if (is_file && files)
            e = config_file(c, value, d);
        else if (!is_file && !files)
            e = config_set(c, name, value, d);
    }
    return e;
}

enum err config_flags(struct config *c, int argc, char **argv, struct diag *d, bool *help)
{
    *help = false;
    enum err e = each_flag(c, argc, argv, true, d, help);
    return e == ERR_OK ? each_flag(c, argc, argv, false, d, help) : e;
}

void config_help(struct bytes *out)
{
    char name[NAME_MAX_BYTES];
    bytes_printf(out, "usage: weir serve [options]\n\n"
                      "  --config FILE           options from a YAML file; flags win over it\n");
    for (size_t i = 0; i < NROWS; i++) {
        char left[2 * NAME_MAX_BYTES];
        snprintf(left, sizeof left, "--%s %s", shown(rows[i].name, name),
                 rows[i].kind == TEXT && strchr(rows[i].unit, ',') ? "LEVEL"
                 : rows[i].kind == TEXT                            ? "TEXT"
                 : rows[i].kind == SPAN                            ? "TIME"
                 : rows[i].kind == SWITCH                          ? ""
                                                                   : "N");
        bytes_printf(out, "  %-23s %s%s%s%s\n", left, rows[i].help, *rows[i].value ? " (" : "",
                     rows[i].value, *rows[i].value ? ")" : "");
    }
    bytes_printf(
        out,
        "\nExit code: 0 after SIGTERM or SIGINT; 2 for wrong options, or if it cannot start.\n");
}

void config_limits(const struct config *c, struct bytes *out)
{
    char name[NAME_MAX_BYTES];
    bytes_printf(out, "# HELP weir_limit An option that bounds how many of something there are.\n"
                      "# TYPE weir_limit gauge\n");
    for (size_t i = 0; i < NROWS; i++)
        if (rows[i].kind == COUNT && rows[i].most >= 1000)
            bytes_printf(out, "weir_limit{option=\"%s\"} %" PRIu64 "\n", shown(rows[i].name, name),
                         *(const uint64_t *)((const char *)c + rows[i].offset));
}

void config_markdown(struct bytes *out)
{
    char name[NAME_MAX_BYTES];
    bytes_printf(out,
                 "<!-- Made from server/config_list.h by `make docs`. -->\n"
                 "# Configuration\n\n"
                 "`weir serve` takes each option as a flag (`--max-body '20 MiB'`) or from a YAML "
                 "file that `--config` names\n(`max-body: 20 MiB`, one a line). Flags win over the "
                 "file, the file over the defaults.\n\n"
                 "| option | default | unit | from | to | |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < NROWS; i++) {
        bytes_printf(out, "| `%s` | %s%s%s | %s |", shown(rows[i].name, name),
                     *rows[i].value ? "`" : "", rows[i].value, *rows[i].value ? "`" : "",
                     rows[i].unit);
        if (rows[i].kind == TEXT || rows[i].kind == SWITCH)
            bytes_printf(out, " | |");
        else
            bytes_printf(out, " %" PRIu64 " | %" PRIu64 " |", rows[i].least, rows[i].most);
        bytes_printf(out, " %s |\n", rows[i].help);
    }
}
