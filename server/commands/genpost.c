/* SPDX-License-Identifier: Apache-2.0 */
#include "server/commands/genpost.h"
#include "base/bug.h"
#include "base/bytes.h"
#include "base/mem.h"
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    ANSWER_MAX = 4 << 20, /* bytes of an answer that are kept */
    FIRST_WAIT_MS = 100,
    LONGEST_WAIT_MS = 5000,
    RETRY_AFTER_MAX_S = 60,
};

struct genpost {
    CURL *curl;
    struct curl_slist *headers;
    char *base; /* …/api/v1/streams/<stream> */
    const volatile sig_atomic_t *stop;
    struct bytes answer;
    struct genpost_stats stats;
    char why[512];
};

static size_t keep_answer(char *p, size_t size, size_t n, void *ctx)
{
    struct bytes *answer = ctx;
    if (answer->n + size * n <= ANSWER_MAX)
        bytes_put(answer, p, size * n);
    return size * n;
}

struct genpost *genpost_new(const char *url, const char *stream, const volatile sig_atomic_t *stop)
{
    struct genpost *g = mem_new(sizeof *g);
    g->stop = stop;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    g->curl = curl_easy_init();
    BUG_IF(!g->curl, "no curl handle");
    char *name = curl_easy_escape(g->curl, stream, 0);
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    g->base = mem_printf("%.*s/api/v1/streams/%s", (int)n, url, name);
    curl_free(name);
    g->headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    g->headers = curl_slist_append(g->headers, "Expect:");
    curl_easy_setopt(g->curl, CURLOPT_HTTPHEADER, g->headers);
    curl_easy_setopt(g->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(g->curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(g->curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(g->curl, CURLOPT_WRITEDATA, &g->answer);
    return g;
}

void genpost_free(struct genpost *g)
{
    if (!g)
        return;
    curl_slist_free_all(g->headers);
    curl_easy_cleanup(g->curl);
    curl_global_cleanup();
    bytes_fini(&g->answer);
    mem_free(g->base);
    mem_free(g);
}

/* In slices, so that a signal ends it soon. */
static void wait_ms(struct genpost *g, long ms)
{
    g->stats.waits++;
    for (; ms > 0 && !*g->stop; ms -= 50)
        nanosleep(&(struct timespec){.tv_nsec = (ms < 50 ? ms : 50) * 1000000}, NULL);
}

/* The first refused row of an answer, for the summary. */
static void keep_rejection(struct genpost *g, const json_t *answer)
{
    size_t i;
    json_t *row;
    if (g->stats.first_rejection[0])
        return;
    json_array_foreach(json_object_get(answer, "rows"), i, row)
    {
        const char *error = json_string_value(json_object_get(row, "error"));
        if (error) {
            snprintf(g->stats.first_rejection, sizeof g->stats.first_rejection, "%s", error);
            return;
        }
    }
}

static void count_answer(struct genpost *g, uint64_t nlines)
{
    json_t *answer = json_loadb((char *)g->answer.p, g->answer.n, 0, NULL);
    json_t *accepted = json_object_get(answer, "accepted");
    if (json_is_integer(accepted))
        g->stats.accepted += (uint64_t)json_integer_value(accepted);
    else
        g->stats.accepted += nlines;
    g->stats.rejected += (uint64_t)json_integer_value(json_object_get(answer, "rejected"));
    keep_rejection(g, answer);
    json_decref(answer);
}

static void keep_why(struct genpost *g, long status)
{
    json_t *problem = json_loadb((char *)g->answer.p, g->answer.n, 0, NULL);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (!detail)
        detail = json_string_value(json_object_get(problem, "title"));
    snprintf(g->why, sizeof g->why, "%s answers %ld%s%s", g->base, status, detail ? ": " : "",
             detail ? detail : "");
    json_decref(problem);
}

static bool was_never_sent(CURLcode c)
{
    return c == CURLE_COULDNT_CONNECT || c == CURLE_COULDNT_RESOLVE_HOST;
}

static bool is_hopeless(CURLcode c)
{
    return c == CURLE_URL_MALFORMAT || c == CURLE_UNSUPPORTED_PROTOCOL ||
           c == CURLE_COULDNT_RESOLVE_HOST;
}

/* One POST until it is taken, refused for good, or stopped. */
static enum err post(struct genpost *g, const char *url, const void *body, size_t n,
                     uint64_t nlines)
{
    long backoff_ms = FIRST_WAIT_MS;
    curl_easy_setopt(g->curl, CURLOPT_URL, url);
    curl_easy_setopt(g->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(g->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(g->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    do { /* what is waiting when a signal comes is sent, if it can be at once */
        bytes_reset(&g->answer);
        CURLcode c = curl_easy_perform(g->curl);
        long status = 0;
        curl_off_t retry_after_s = 0;
        if (is_hopeless(c)) {
            snprintf(g->why, sizeof g->why, "%s: %s", url, curl_easy_strerror(c));
            return ERR_INVALID;
        }
        if (c == CURLE_OK) {
            curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(g->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
        } else if (!was_never_sent(c)) {
            g->stats.resent_lines += nlines;
        }
        if (status >= 200 && status < 300) {
            count_answer(g, nlines);
            return ERR_OK;
        }
        if (status != 0 && status != 429 && status < 500) {
            keep_why(g, status);
            return ERR_INVALID;
        }
        if (retry_after_s > RETRY_AFTER_MAX_S)
            retry_after_s = RETRY_AFTER_MAX_S;
        wait_ms(g, retry_after_s > 0 ? (long)retry_after_s * 1000 : backoff_ms);
        if (backoff_ms < LONGEST_WAIT_MS && status != 429)
            backoff_ms *= 2;
    } while (!*g->stop);
    return ERR_CLOSED;
}

enum err genpost_send(struct genpost *g, unsigned partition, const void *lines, size_t n,
                      uint64_t nlines)
{
    char *url = mem_printf("%s/events?partition=%u", g->base, partition);
    enum err e = post(g, url, lines, n, nlines);
    mem_free(url);
    return e;
}

enum err genpost_finish(struct genpost *g)
{
    char *url = mem_printf("%s:finish", g->base);
    enum err e = post(g, url, "", 0, 0);
    mem_free(url);
    return e;
}

const char *genpost_why(const struct genpost *g)
{
    return g->why;
}

const struct genpost_stats *genpost_stats(const struct genpost *g)
{
    return &g->stats;
}
