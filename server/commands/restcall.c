/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/restcall.h"
#include "base/bug.h"
#include "server/args.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 64 << 20 };

static size_t keep(char *p, size_t size, size_t n, void *ctx)
{
    struct bytes *answer = ctx;
    if (answer->n + size * n > ANSWER_MAX)
        return 0;
    bytes_put(answer, p, size * n);
    return size * n;
}

void restcall_init(struct restcall *r, const char *command, const char *url)
{
    *r = (struct restcall){.command = command, .url = url};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    r->curl = curl_easy_init();
    BUG_IF(r->curl == NULL, "no curl handle");
    curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &r->answer);
}

void restcall_fini(struct restcall *r)
{
    json_decref(r->body);
    bytes_fini(&r->answer);
    curl_easy_cleanup(r->curl);
    curl_global_cleanup();
}

void restcall_put_escaped(struct restcall *r, const char *text, struct bytes *out)
{
    char *value = curl_easy_escape(r->curl, text, 0);
    bytes_printf(out, "%s", value != NULL ? value : "");
    curl_free(value);
}

static CURLcode perform(struct restcall *r, const char *method, const char *path,
                        const json_t *send)
{
    struct bytes url = {0};
    size_t n = strlen(r->url);
    while (n > 0 && r->url[n - 1] == '/')
        n--;
    bytes_printf(&url, "%.*s/api/v1%s", (int)n, r->url, path);
    bytes_u8(&url, 0);
    char *text = send != NULL ? json_dumps(send, JSON_COMPACT) : NULL;
    struct curl_slist *headers =
        text != NULL ? curl_slist_append(NULL, "content-type: application/json") : NULL;
    bytes_reset(&r->answer);
    curl_easy_setopt(r->curl, CURLOPT_URL, (const char *)url.p);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    if (text != NULL)
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, text);
    else
        curl_easy_setopt(r->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(r->curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode c = curl_easy_perform(r->curl);
    curl_slist_free_all(headers);
    free(text);
    bytes_fini(&url);
    return c;
}

int restcall_ask(struct restcall *r, const char *method, const char *path, const json_t *send)
{
    CURLcode c = perform(r, method, path, send);
    if (c != CURLE_OK)
        return args_complain(r->command, "%s: %s (is the server running? --url says where)", r->url,
                             curl_easy_strerror(c));
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    json_decref(r->body);
    r->body = json_loadb((const char *)r->answer.p, r->answer.n, 0, NULL);
    if (status / 100 == 2)
        return ARGS_OK;
    const char *detail = json_string_value(json_object_get(r->body, "detail"));
    const char *title = json_string_value(json_object_get(r->body, "title"));
    args_complain(r->command, "the server answers %ld: %s", status,
                  detail != NULL  ? detail
                  : title != NULL ? title
                                  : "no reason");
    return ARGS_FAILED;
}

void restcall_print(const json_t *value, size_t flags)
{
    json_dumpf(value, stdout, flags | JSON_ENCODE_ANY);
    putchar('\n');
}
