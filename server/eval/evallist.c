/* SPDX-License-Identifier: Apache-2.0 */
#include "server/eval/evallist.h"
#include "cep/list.h"
#include "io/codec_json.h"
#include "server/args.h"
#include "server/eval/evalinput.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Of several of one name the last: it has replaced the others. */
static struct list *list_named(const struct script *s, const char *name, size_t n)
{
    struct list *found = NULL;
    for (unsigned i = 0; i < s->n; i++) {
        struct list *l = s->statements[i].list;
        if (l != NULL && strlen(list_name(l)) == n && strncasecmp(list_name(l), name, n) == 0)
            found = l;
    }
    return found;
}

static enum err put_row(struct list *l, const struct batch *b)
{
    struct value values[SCHEMA_COLUMNS_MAX];
    for (unsigned c = 0; c < b->schema->ncolumns; c++)
        values[c] = batch_value(b, c, 0);
    return list_put_row(l, values);
}

static int read_items(struct evalinput *in, struct list *l, const char *path)
{
    struct colset want = {0};
    struct codec_problem problem;
    const char *p;
    size_t n;
    int code = ARGS_OK;
    unsigned long line = 0;
    for (unsigned c = 0; c < list_schema(l)->ncolumns; c++)
        colset_add(&want, c);
    struct codec_json *codec = codec_json_new(list_schema(l), &want, NULL);
    while (code == ARGS_OK && evalinput_line(in, &p, &n)) {
        struct batch *b = batch_new(list_schema(l), &want);
        line++;
        if (codec_json_row(codec, p, n, line, b, &problem) != ERR_OK)
            code = args_complain("eval", "%s, item %lu: %s", path, line, problem.text);
        else if (put_row(l, b) != ERR_OK)
            code = args_complain("eval",
                                 "%s, item %lu: a list has at most %d items, and keys of %d bytes",
                                 path, line, LIST_ITEMS_MAX, LIST_KEY_MAX);
        batch_unref(b);
    }
    codec_json_free(codec);
    errno = evalinput_failed(in);
    return code == ARGS_OK && errno != 0 ? args_complain("eval", "%s: %s", path, strerror(errno))
                                         : code;
}

int evallist_load(const struct script *script, const char *name_and_file)
{
    const char *equals = strchr(name_and_file, '=');
    struct evalinput *in = NULL;
    if (equals == NULL)
        return args_complain("eval", "--list %s: NAME=FILE.jsonl is wanted", name_and_file);
    struct list *l = list_named(script, name_and_file, (size_t)(equals - name_and_file));
    if (l == NULL)
        return args_complain("eval", "--list %s: there is no list '%.*s'", name_and_file,
                             (int)(equals - name_and_file), name_and_file);
    if (evalinput_open(equals + 1, &in) != ERR_OK)
        return args_complain("eval", "%s: %s", equals + 1, strerror(errno));
    int code = read_items(in, l, equals + 1);
    evalinput_free(in);
    return code;
}
