/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/deadcmd.h"
#include "base/mem.h"
#include "server/args.h"
#include "server/commands/restcall.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: weir dead list   [filters] [--limit N] [--json]\n"
    "       weir dead groups [filters] [--json]\n"
    "       weir dead show   ID\n"
    "       weir dead replay ID | filters | --all\n"
    "       weir dead delete ID | filters\n"
    "Dead letters of a running server: events that were refused or came too late. The newest "
    "first; replayed are the oldest first.\n"
    "\n"
    "  --kind error|late, --stream S, --rule R, --code C, --reason TEXT, --contains TEXT\n"
    "  --state waiting|sent|all  list, groups, delete (waiting)\n"
    "  --limit N                 how many are listed (50)\n"
    "  --by NAME                 who replays or deletes: it is kept with the letter\n"
    "  --json                    what the server answers, a letter or group a line\n"
    "  --url URL                 of the server (" RESTCALL_URL ")\n"
    "\n"
    "Exit code: 0; 1 if the server refuses, or some letters were refused again; 2 for wrong use or "
    "no answer.\n";

enum { FILTERS = 8, FILTER_0 = 1000, LIST_DEFAULT = 50, PAGE_MAX = 1000 };
static const char *const filters[FILTERS] = {"kind",   "stream",   "rule",  "code",
                                             "reason", "contains", "state", "by"};
static const struct option long_options[] = {{"kind", required_argument, NULL, FILTER_0},
                                             {"stream", required_argument, NULL, FILTER_0 + 1},
                                             {"rule", required_argument, NULL, FILTER_0 + 2},
                                             {"code", required_argument, NULL, FILTER_0 + 3},
                                             {"reason", required_argument, NULL, FILTER_0 + 4},
                                             {"contains", required_argument, NULL, FILTER_0 + 5},
                                             {"state", required_argument, NULL, FILTER_0 + 6},
                                             {"by", required_argument, NULL, FILTER_0 + 7},
                                             {"limit", required_argument, NULL, 'l'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"all", no_argument, NULL, 'a'},
                                             {"url", required_argument, NULL, 'u'},
                                             {"help", no_argument, NULL, 'h'},
                                             {0}};

struct deadcmd {
    const char *values[FILTERS], *url, *verb, *id;
    uint64_t limit;
    bool json, all, filtered;
    struct restcall rest;
};

/* what: after /api/v1/dead_letters. ARGS_OK: x->rest.body is the answer, NULL if it has none. */
static int ask(struct deadcmd *x, const char *method, const char *what, uint64_t limit,
               const char *after)
{
    struct bytes path = {0};
    bytes_printf(&path, "/dead_letters%s?", what);
    for (unsigned i = 0; i < FILTERS; i++)
        if (x->values[i] != NULL) {
            bytes_printf(&path, "%s=", filters[i]);
            restcall_put_escaped(&x->rest, x->values[i], &path);
            bytes_printf(&path, "&");
        }
    if (limit > 0)
        bytes_printf(&path, "limit=%" PRIu64 "&", limit);
    if (after != NULL)
        bytes_printf(&path, "after=%s&", after);
    path.p[path.n - 1] = 0; /* the last & or ? */
    int code = restcall_ask(&x->rest, method, (const char *)path.p, NULL);
    bytes_fini(&path);
    return code;
}

static const char *text(const json_t *of, const char *name)
{
    const char *s = json_string_value(json_object_get(of, name));
    return s != NULL ? s : "-";
}

static void print_letter(const json_t *l)
{
    const json_t *id = json_object_get(l, "id");
    printf("%8" JSON_INTEGER_FORMAT "  %-24s %-6s %-8s %-16s %-18s %s\n", json_integer_value(id),
           text(l, "at"), text(l, "kind"), text(l, "state"), text(l, "stream"), text(l, "code"),
           text(l, "reason"));
}

static void print_group(const json_t *g)
{
    printf("%8" JSON_INTEGER_FORMAT "  %-6s %-16s %-18s %s\n",
           json_integer_value(json_object_get(g, "count")), text(g, "kind"), text(g, "stream"),
           text(g, "code"), text(g, "reason"));
}

static int list(struct deadcmd *x)
{
    int code = ARGS_OK;
    char *after = NULL;
    for (uint64_t left = x->limit; left > 0 && code == ARGS_OK;) {
        size_t i;
        json_t *letter;
        code = ask(x, "GET", "", left < PAGE_MAX ? left : PAGE_MAX, after);
        json_t *data = json_object_get(x->rest.body, "data"),
               *page = json_object_get(x->rest.body, "page");
        json_array_foreach(data, i, letter)
        {
            if (x->json)
                restcall_print(letter, JSON_COMPACT);
            else
                print_letter(letter);
        }
        left -= json_array_size(data) < left ? json_array_size(data) : left;
        const char *next = json_string_value(json_object_get(page, "next"));
        mem_free(after);
        after = next != NULL ? mem_str(next) : NULL;
        if (after == NULL)
            break;
    }
    mem_free(after);
    return code;
}

static int groups(struct deadcmd *x)
{
    size_t i;
    json_t *g;
    int code = ask(x, "GET", ":groups", 0, NULL);
    if (code == ARGS_OK)
        json_array_foreach(json_object_get(x->rest.body, "data"), i, g)
        {
            if (x->json)
                restcall_print(g, JSON_COMPACT);
            else
                print_group(g);
        }
    return code;
}

static uint64_t count(const struct deadcmd *x, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(x->rest.body, name));
}

/* A request sends a thousand at most: again as long as fewer wait. */
static int replay_all(struct deadcmd *x)
{
    uint64_t sent = 0, refused = 0, not_sendable = 0, waiting = UINT64_MAX;
    int code = ARGS_OK;
    char *why = NULL;
    for (bool more = true; more && code == ARGS_OK;) {
        if ((code = ask(x, "POST", ":replay", PAGE_MAX, NULL)) != ARGS_OK)
            break;
        sent += count(x, "sent");
        refused = count(x, "refused");
        not_sendable = count(x, "not_sendable");
        const char *reason = json_string_value(json_object_get(x->rest.body, "why"));
        mem_free(why);
        why = reason != NULL ? mem_str(reason) : NULL;
        more = count(x, "sent") > 0 && count(x, "waiting") > 0 && count(x, "waiting") < waiting;
        waiting = count(x, "waiting");
    }
    printf("sent %" PRIu64 ", refused again %" PRIu64 ", cannot be sent %" PRIu64 "%s%s\n", sent,
           refused, not_sendable, why != NULL ? ": " : "", why != NULL ? why : "");
    mem_free(why);
    return code == ARGS_OK && refused > 0 ? ARGS_FAILED : code;
}

static int run(struct deadcmd *x)
{
    char *one = x->id != NULL
                    ? mem_printf("/%s%s", x->id, strcmp(x->verb, "replay") == 0 ? ":replay" : "")
                    : NULL;
    int code = ARGS_OK;
    if (strcmp(x->verb, "list") == 0) {
        code = list(x);
    } else if (strcmp(x->verb, "groups") == 0) {
        code = groups(x);
    } else if (strcmp(x->verb, "show") == 0) {
        if ((code = ask(x, "GET", one, 0, NULL)) == ARGS_OK)
            restcall_print(x->rest.body, JSON_INDENT(2));
    } else if (strcmp(x->verb, "replay") == 0 && one == NULL) {
        code = replay_all(x);
    } else if (strcmp(x->verb, "replay") == 0) {
        if ((code = ask(x, "POST", one, 0, NULL)) == ARGS_OK)
            printf("sent\n");
    } else if ((code = ask(x, "DELETE", one != NULL ? one : "", 0, NULL)) == ARGS_OK) {
        printf("deleted %" PRIu64 "\n", one != NULL ? 1 : count(x, "deleted"));
    }
    mem_free(one);
    return code;
}

static int check(struct deadcmd *x, int argc, char **argv)
{
    static const char *const verbs[] = {"list", "groups", "show", "replay", "delete"};
    bool known = false;
    uint64_t number = 0;
    if (argc < 1)
        return args_complain("dead", "list, groups, show, replay or delete? --help says more");
    x->verb = argv[0];
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        known |= strcmp(verbs[i], x->verb) == 0;
    if (!known)
        return args_complain("dead", "'%s' is none of list, groups, show, replay, delete", x->verb);
    bool lists = strcmp(x->verb, "list") == 0 || strcmp(x->verb, "groups") == 0;
    if (argc > (lists ? 1 : 2))
        return args_complain("dead", "'%s' is one argument too many", argv[lists ? 1 : 2]);
    x->id = argc > 1 ? argv[1] : NULL;
    if (x->id != NULL && !args_number("dead", "ID", x->id, 1, INT64_MAX, &number))
        return ARGS_USAGE;
    if (strcmp(x->verb, "show") == 0 && x->id == NULL)
        return args_complain("dead", "which one? `weir dead list` shows their numbers");
    if (strcmp(x->verb, "replay") == 0 && x->id == NULL && !x->filtered && !x->all)
        return args_complain("dead", "which ones? ID, a filter, or --all");
    if (strcmp(x->verb, "delete") == 0 && x->id == NULL && !x->filtered)
        return args_complain("dead", "which ones? ID or a filter (--state waiting: all that wait)");
    return ARGS_OK;
}

int deadcmd_main(int argc, char **argv)
{
    struct deadcmd x = {.url = RESTCALL_URL, .limit = LIST_DEFAULT};
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (c >= FILTER_0) {
            x.values[c - FILTER_0] = optarg;
            x.filtered |= strcmp(filters[c - FILTER_0], "by") != 0;
        } else if (c == 'l') {
            if (!args_number("dead", "--limit", optarg, 1, 10000000, &x.limit))
                return ARGS_USAGE;
        } else if (c == 'h') {
            fputs(usage, stdout);
            return ARGS_OK;
        } else if (c == 'j') {
            x.json = true;
        } else if (c == 'a') {
            x.all = true;
        } else if (c == 'u') {
            x.url = optarg;
        } else {
            return args_complain("dead", "--help lists the options");
        }
    }
    int code = check(&x, argc - optind, argv + optind);
    if (code != ARGS_OK)
        return code;
    restcall_init(&x.rest, "dead", x.url);
    code = run(&x);
    restcall_fini(&x.rest);
    return code;
}
