/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/whycmd.h"
#include "server/args.h"
#include "server/commands/restcall.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: weir why-not RULE [--key KEY] [--event P/O] [--at TIME] [options]\n"
    "       weir why-not --stream S --event P/O | --where COLUMN=VALUE …\n"
    "Why a rule has not fired for a key or an event; the second way, what every rule that reads "
    "the\n"
    "stream says of one event. What the answers mean: docs/inspection.md.\n"
    "\n"
    "  --key KEY            the value, or a JSON object of all columns: '{\"card\": \"c17\"}'\n"
    "  --event P/O          about that event: its partition and offset\n"
    "  --at TIME            the state as of that event time: 2026-11-21T06:48:51Z\n"
    "  --stream S           of a join: in which of its streams the event is\n"
    "  --where COLUMN=VALUE the newest event of the stream that has it; again for more columns\n"
    "  --steps N            the last events are told of, one a line (none; with --json 100)\n"
    "  --scan N             recorded events that may be looked at (1000000)\n"
    "  --json               what the server answers\n"
    "  --url URL            of the server (" RESTCALL_URL ")\n"
    "\n"
    "Exit code: 0; 1 if the server refuses; 2 for wrong use or no answer.\n";

static const struct option long_options[] = {{"key", required_argument, NULL, 'k'},
                                             {"event", required_argument, NULL, 'e'},
                                             {"at", required_argument, NULL, 't'},
                                             {"stream", required_argument, NULL, 's'},
                                             {"where", required_argument, NULL, 'w'},
                                             {"steps", required_argument, NULL, 'n'},
                                             {"scan", required_argument, NULL, 'c'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"url", required_argument, NULL, 'u'},
                                             {"help", no_argument, NULL, 'h'},
                                             {0}};

struct whycmd {
    const char *rule, *key, *event, *at, *stream, *url;
    json_t *where; /* NULL: none */
    uint64_t steps, scan; /* 0: as the server has it */
    bool json;
    struct restcall rest;
};

static const char *text(const json_t *of, const char *name)
{
    const char *s = json_string_value(json_object_get(of, name));
    return s != NULL ? s : "-";
}

static void print_value(const json_t *v)
{
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    fputs(s != NULL ? s : "null", stdout);
    free(s);
}

static void print_conditions(const json_t *conditions)
{
    size_t i, j;
    json_t *c, *v;
    json_array_foreach((json_t *)(uintptr_t)conditions, i, c)
    {
        const json_t *holds = json_object_get(c, "true");
        printf("  %-7s  %s",
               json_is_true(holds)    ? "yes"
               : json_is_false(holds) ? "no"
                                      : "unknown",
               text(c, "text"));
        json_array_foreach(json_object_get(c, "values"), j, v)
        {
            printf("%s%s: ", j == 0 ? "   (" : ", ", text(v, "of"));
            print_value(json_object_get(v, "value"));
        }
        puts(json_array_size(json_object_get(c, "values")) > 0 ? ")" : "");
    }
}

static void print_alert(const json_t *alert)
{
    if (!json_is_object(alert))
        return;
    printf("  alert %s of %s", text(alert, "id"), text(alert, "time"));
    if (strcmp(text(alert, "by"), "cooldown") == 0)
        printf(", which counts it until %s", text(alert, "until"));
    if (strcmp(text(alert, "mode"), "active") != 0)
        printf(", %s", text(alert, "mode"));
    putchar('\n');
}

static void print_steps(const json_t *steps)
{
    size_t i;
    json_t *s;
    json_array_foreach((json_t *)(uintptr_t)steps, i, s)
    {
        printf("  %-24s %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "  %-12s ", text(s, "time"),
               json_integer_value(json_object_get(s, "partition")),
               json_integer_value(json_object_get(s, "offset")), text(s, "taken"));
        print_value(json_object_get(s, "values"));
        putchar('\n');
    }
}

static void print_notes(const json_t *notes)
{
    size_t i;
    json_t *note;
    json_array_foreach((json_t *)(uintptr_t)notes, i, note)
    {
        printf("  %s\n", json_string_value(note));
    }
}

/* The sentence first. */
static void print_rule(const struct whycmd *x)
{
    const json_t *body = x->rest.body, *verdict = json_object_get(body, "verdict");
    puts(text(verdict, "text"));
    printf("  %s of rule %s, version %" JSON_INTEGER_FORMAT ", key ", text(verdict, "kind"),
           text(body, "rule"), json_integer_value(json_object_get(body, "version")));
    print_value(json_object_get(body, "key"));
    json_int_t events = json_integer_value(json_object_get(body, "events"));
    printf(", %" JSON_INTEGER_FORMAT " event%s%s\n", events, events == 1 ? "" : "s",
           json_is_true(json_object_get(body, "complete")) ? "" : ", older ones not looked at");
    if (strcmp(text(verdict, "kind"), "not-deployed") != 0) /* then they say the same */
        print_notes(json_object_get(body, "notes"));
    print_conditions(json_object_get(verdict, "conditions"));
    print_alert(json_object_get(body, "alert"));
    if (x->steps > 0)
        print_steps(json_object_get(body, "steps"));
}

static void print_event(const json_t *body)
{
    size_t i;
    json_t *r;
    printf("event %s of stream %s\n", text(body, "event_id"), text(body, "stream"));
    json_array_foreach(json_object_get(body, "data"), i, r)
    {
        printf("%-24s %-14s %s\n", text(r, "rule"), text(r, "verdict"), text(r, "text"));
        if (strcmp(text(r, "verdict"), "not-deployed") != 0)
            print_notes(json_object_get(r, "notes"));
        print_alert(json_object_get(r, "alert"));
    }
    json_int_t left = json_integer_value(json_object_get(body, "left_out"));
    if (left > 0)
        printf("%" JSON_INTEGER_FORMAT " more rules were not asked\n", left);
}

static json_t *request(const struct whycmd *x)
{
    json_t *body = json_object();
    if (x->key != NULL) {
        json_t *key = x->key[0] == '{' ? json_loads(x->key, JSON_REJECT_DUPLICATES, NULL) : NULL;
        json_object_set_new(body, "key", key != NULL ? key : json_string(x->key));
    }
    if (x->event != NULL)
        json_object_set_new(body, "event_id", json_string(x->event));
    if (x->at != NULL)
        json_object_set_new(body, "at", json_string(x->at));
    if (x->where != NULL)
        json_object_set(body, "where", x->where);
    if (x->rule != NULL && x->stream != NULL)
        json_object_set_new(body, "stream", json_string(x->stream));
    if (x->steps > 0)
        json_object_set_new(body, "steps", json_integer((json_int_t)x->steps));
    if (x->scan > 0)
        json_object_set_new(body, "scan", json_integer((json_int_t)x->scan));
    return body;
}

static int run(struct whycmd *x)
{
    struct bytes path = {0};
    json_t *body = request(x);
    bytes_printf(&path, x->rule != NULL ? "/rules/" : "/streams/");
    restcall_put_escaped(&x->rest, x->rule != NULL ? x->rule : x->stream, &path);
    bytes_printf(&path, ":why_not");
    bytes_u8(&path, 0);
    int code = restcall_ask(&x->rest, "POST", (const char *)path.p, body);
    if (code == ARGS_OK && x->json)
        restcall_print(x->rest.body, JSON_INDENT(2));
    else if (code == ARGS_OK && x->rule != NULL)
        print_rule(x);
    else if (code == ARGS_OK)
        print_event(x->rest.body);
    json_decref(body);
    bytes_fini(&path);
    return code;
}

static int check(struct whycmd *x, int argc, char **argv)
{
    if (argc > 1)
        return args_complain("why-not", "'%s' is one argument too many", argv[1]);
    x->rule = argc > 0 ? argv[0] : NULL;
    if (x->rule == NULL && x->stream == NULL)
        return args_complain("why-not", "which RULE? Or --stream, for every rule that reads it");
    if (x->rule != NULL && x->where != NULL)
        return args_complain("why-not", "--where is for every rule of a --stream; of one RULE it "
                                        "is --key or --event");
    if (x->rule == NULL && (x->event != NULL) == (x->where != NULL))
        return args_complain("why-not", "which event of the stream? --event P/O, or --where");
    if (x->rule == NULL && (x->key != NULL || x->at != NULL || x->steps > 0 || x->scan > 0))
        return args_complain("why-not", "--key, --at, --steps and --scan are for one RULE");
    return ARGS_OK;
}

static bool add_where(struct whycmd *x, const char *arg)
{
    const char *eq = strchr(arg, '=');
    if (eq == NULL || eq == arg)
        return false;
    if (x->where == NULL)
        x->where = json_object();
    json_t *name = json_stringn(arg, (size_t)(eq - arg)), *value = json_string(eq + 1);
    bool good = name != NULL && value != NULL &&
                json_object_set(x->where, json_string_value(name), value) == 0;
    json_decref(name);
    json_decref(value);
    return good;
}

static int read_options(struct whycmd *x, int argc, char **argv)
{
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (c == 'k')
            x->key = optarg;
        else if (c == 'e')
            x->event = optarg;
        else if (c == 't')
            x->at = optarg;
        else if (c == 's')
            x->stream = optarg;
        else if (c == 'u')
            x->url = optarg;
        else if (c == 'j')
            x->json = true;
        else if (c == 'w' && !add_where(x, optarg))
            return args_complain("why-not", "--where is COLUMN=VALUE, not '%s'", optarg);
        else if ((c == 'n' && !args_number("why-not", "--steps", optarg, 1, 500, &x->steps)) ||
                 (c == 'c' && !args_number("why-not", "--scan", optarg, 1, 100000000, &x->scan)))
            return ARGS_USAGE;
        else if (c == 'h' || c == '?')
            return c == 'h' ? (fputs(usage, stdout), -1)
                            : args_complain("why-not", "--help lists the options");
    }
    return check(x, argc - optind, argv + optind);
}

int whycmd_main(int argc, char **argv)
{
    struct whycmd x = {.url = RESTCALL_URL};
    int code = read_options(&x, argc, argv);
    if (code == ARGS_OK) {
        restcall_init(&x.rest, "why-not", x.url);
        code = run(&x);
        restcall_fini(&x.rest);
    }
    json_decref(x.where);
    return code < 0 ? ARGS_OK : code;
}
