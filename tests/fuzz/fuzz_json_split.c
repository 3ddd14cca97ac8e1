/* SPDX-License-Identifier: Apache-2.0
 *
 * A body of events, hostile: the texts cut out of it lie in it, in order, apart from each other; put together again they
 * are cut the same way; and what a JSON parser takes for an array has just those elements. */
#include "base/bug.h"
#include "base/bytes.h"
#include "server/http/json_split.h"
#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of any body it lies inside; of an object of one member it is its value. */
static void member(const char *body, size_t size)
{
    struct json_split_text t = {body, 0};
    enum err e = json_split_member(body, size, &t);
    BUG_IF(t.p < body || t.p + t.n > body + size, "outside");
    json_t *parsed = json_loadb(body, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(parsed) && json_object_size(parsed) == 1) {
        json_t *one =
            json_loadb(t.p, t.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        BUG_IF(e != ERR_OK || !json_equal(one, json_object_iter_value(json_object_iter(parsed))),
               "another value");
        json_decref(one);
    }
    json_decref(parsed);
}

enum { MAX = 1000 };

static void in_order(const char *body, size_t n, const struct json_split_text *t, unsigned count)
{
    const char *from = body;
    for (unsigned i = 0; i < count; i++) {
        BUG_IF(t[i].n == 0 || t[i].p < from || t[i].p + t[i].n > body + n, "text %u", i);
        from = t[i].p + t[i].n;
    }
}

static void again(const struct json_split_text *t, unsigned count)
{
    static struct json_split_text back[MAX];
    struct bytes b = {0};
    struct json_split_problem why;
    unsigned n = 0;
    bytes_u8(&b, '[');
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            bytes_u8(&b, ',');
        bytes_put(&b, t[i].p, t[i].n);
    }
    bytes_u8(&b, ']');
    BUG_IF(json_split_array((const char *)b.p, b.n, back, MAX, &n, &why) != ERR_OK || n != count,
           "%u texts became %u", count, n);
    for (unsigned i = 0; i < n; i++)
        BUG_IF(back[i].n != t[i].n || memcmp(back[i].p, t[i].p, t[i].n) != 0, "text %u", i);
    bytes_fini(&b);
}

static void as_a_parser_does(const char *body, size_t size, const struct json_split_text *t,
                             unsigned count, enum err e, const struct json_split_problem *why)
{
    json_t *parsed = json_loadb(body, size, JSON_ALLOW_NUL, NULL);
    if (!json_is_array(parsed) || json_array_size(parsed) > MAX ||
        (e == ERR_INVALID && strstr(why->text, "too deep"))) {
        json_decref(parsed);
        return;
    }
    BUG_IF(e != ERR_OK || count != json_array_size(parsed), "%u of %zu elements", count,
           json_array_size(parsed));
    for (unsigned i = 0; i < count; i++) {
        json_t *one = json_loadb(t[i].p, t[i].n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        BUG_IF(!json_equal(one, json_array_get(parsed, i)), "element %u", i);
        json_decref(one);
    }
    json_decref(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_split_text texts[MAX];
    const char *body = (const char *)data;
    struct json_split_problem why = {0};
    unsigned n = 0;
    int line = 0, column = 0;
    enum err e = json_split_array(body, size, texts, MAX, &n, &why);
    in_order(body, size, texts, n);
    if (e == ERR_OK)
        again(texts, n);
    if (e == ERR_INVALID) {
        BUG_IF(!why.text || why.at > size, "place %zu", why.at);
        json_split_place(body, why.at, &line, &column);
    }
    as_a_parser_does(body, size, texts, n, e, &why);
    BUG_IF(json_split_lines(body, size, texts, MAX, &n) == ERR_INVALID, "lines");
    in_order(body, size, texts, n);
    for (unsigned i = 0; i < n; i++)
        BUG_IF(memchr(texts[i].p, '\n', texts[i].n), "line %u has an end", i);
    member((const char *)data, size);
    return 0;
}
