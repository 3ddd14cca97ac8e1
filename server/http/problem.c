/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/problem.h"
#include "server/http/jsonw.h"
#include <string.h>

static const struct {
    const char *code, *title, *means, *action;
    int status;
} problems[] = {
#define PROBLEM_ROW(name, code_, status_, title_, means_, action_)                                 \
    [PROBLEM_##name] = {code_, title_, means_, action_, status_},
    PROBLEM_LIST(PROBLEM_ROW)
#undef PROBLEM_ROW
};

int problem_status(enum problem p)
{
    return problems[p].status;
}

const char *problem_code(enum problem p)
{
    return problems[p].code;
}

enum problem problem_of(enum err e)
{
    switch (e) {
    case ERR_INVALID:
        return PROBLEM_BAD_FIELD;
    case ERR_UNSUPPORTED:
        return PROBLEM_UNSUPPORTED;
    case ERR_NOT_FOUND:
        return PROBLEM_NOT_FOUND;
    case ERR_EXISTS:
        return PROBLEM_EXISTS;
    case ERR_CONFLICT:
        return PROBLEM_CONFLICT;
    case ERR_LIMIT:
        return PROBLEM_TOO_LARGE;
    case ERR_AGAIN:
        return PROBLEM_BACKPRESSURE;
    case ERR_CLOSED:
        return PROBLEM_NOT_READY;
    case ERR_IN_USE:
    case ERR_DENIED:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_VERSION:
        return PROBLEM_STORAGE;
    default:
        return PROBLEM_INTERNAL;
    }
}

static void write_item(struct bytes *out, const struct diag_item *item)
{
    jsonw_open(out, '{');
    jsonw_kstr(out, "code", item->code);
    jsonw_kstr(out, "severity", item->warning ? "warning" : "error");
    jsonw_kstr(out, "message", item->message);
    jsonw_kstr(out, "hint", item->hint);
    if (item->line > 0) {
        jsonw_ki64(out, "line", item->line);
        jsonw_ki64(out, "column", item->column);
        jsonw_ki64(out, "end_line", item->end_line);
        jsonw_ki64(out, "end_column", item->end_column);
    }
    jsonw_close(out, '}');
}

void problem_items(struct bytes *out, const struct diag *d, bool warnings)
{
    jsonw_open(out, '[');
    for (int i = 0; d && i < d->n; i++)
        if (d->items[i].warning == warnings)
            write_item(out, &d->items[i]);
    jsonw_close(out, ']');
}

/* The first error, and how many more: what a person sees who looks at `detail` alone. */
static void detail_of(struct bytes *out, const struct diag *d)
{
    struct bytes text = {0};
    for (int i = 0; i < d->n && text.n == 0; i++) {
        const struct diag_item *item = &d->items[i];
        if (item->warning)
            continue;
        if (item->line > 0)
            bytes_printf(&text, "line %d, column %d: ", item->line, item->column);
        bytes_printf(&text, "%s", item->message);
        if (item->hint)
            bytes_printf(&text, " (%s)", item->hint);
    }
    if (d->errors > 1)
        bytes_printf(&text, "; %d more", d->errors - 1);
    jsonw_key(out, "detail");
    jsonw_strn(out, text.n ? (const char *)text.p : "", text.n);
    bytes_fini(&text);
}

void problem_write(struct bytes *out, enum problem p, const char *detail, const char *hint,
                   const struct diag *d)
{
    jsonw_open(out, '{');
    jsonw_key(out, "type");
    bytes_printf(out, "\"/problems/%s\"", problems[p].code);
    jsonw_kstr(out, "title", problems[p].title);
    jsonw_ki64(out, "status", problems[p].status);
    if (detail)
        jsonw_kstr(out, "detail", detail);
    else if (d && d->errors > 0)
        detail_of(out, d);
    else
        jsonw_kstr(out, "detail", problems[p].means);
    if (hint)
        jsonw_kstr(out, "hint", hint);
    if (d && d->n > 0) {
        jsonw_key(out, "errors");
        problem_items(out, d, false);
    }
    jsonw_close(out, '}');
}

static void html(struct bytes *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : NULL;
        bytes_put(out, entity ? entity : text, entity ? strlen(entity) : 1);
    }
}

static void page_head(struct bytes *out, const char *title)
{
    bytes_printf(out,
                 "<!doctype html><html lang=en><meta charset=utf-8><title>%s</title>"
                 "<meta name=viewport content=\"width=device-width\">"
                 "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;"
                 "max-width:42em;margin:3em auto;padding:0 1em}code{font-size:.95em}</style>",
                 title);
}

bool problem_page(struct bytes *out, const char *code)
{
    if (!*code) {
        page_head(out, "Problems");
        bytes_printf(out, "<h1>Problems</h1><p>What weir answers when it cannot do what was asked."
                          "</p><ul>");
        for (int i = 0; i < PROBLEM_COUNT; i++)
            bytes_printf(out, "<li><a href=\"/problems/%s\"><code>%s</code></a> (%d) %s</li>",
                         problems[i].code, problems[i].code, problems[i].status, problems[i].title);
        bytes_printf(out, "</ul></html>\n");
        return true;
    }
    for (int i = 0; i < PROBLEM_COUNT; i++) {
        if (strcmp(code, problems[i].code) != 0)
            continue;
        page_head(out, problems[i].title);
        bytes_printf(out, "<h1>%s</h1><p><code>%s</code>, HTTP status %d</p><p>", problems[i].title,
                     problems[i].code, problems[i].status);
        html(out, problems[i].means);
        bytes_printf(out, "</p><h2>What to do</h2><p>");
        html(out, problems[i].action);
        bytes_printf(out, "</p><p><a href=\"/problems/\">All problems</a></p></html>\n");
        return true;
    }
    return false;
}
