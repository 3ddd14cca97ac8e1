/* SPDX-License-Identifier: Apache-2.0 */
#include "cep/expr/func_regex.h"
#include <cstdio>
#include <cstdlib>
#include <new>
#include <re2/re2.h>

struct func_regex {
    RE2 re;

    func_regex(const re2::StringPiece &p, const RE2::Options &o) : re(p, o)
    {
    }
};

struct func_regex *func_regex_new(const char *p, size_t n, char problem[FUNC_REGEX_PROBLEM])
{
    if (n > FUNC_REGEX_PATTERN_MAX) {
        snprintf(problem, FUNC_REGEX_PROBLEM, "it is longer than %d bytes", FUNC_REGEX_PATTERN_MAX);
        return nullptr;
    }
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(FUNC_REGEX_BYTES);
    auto *r = new (std::nothrow) func_regex(re2::StringPiece(p, n), options);
    if (r == nullptr)
        abort();
    if (r->re.ok() && r->re.NumberOfCapturingGroups() <= FUNC_REGEX_GROUPS_MAX)
        return r;
    if (r->re.ok())
        snprintf(problem, FUNC_REGEX_PROBLEM, "it has more than %d groups", FUNC_REGEX_GROUPS_MAX);
    else
        snprintf(problem, FUNC_REGEX_PROBLEM, "%s", r->re.error().c_str());
    delete r;
    return nullptr;
}

void func_regex_free(struct func_regex *r)
{
    delete r;
}

unsigned func_regex_groups(const struct func_regex *r)
{
    return static_cast<unsigned>(r->re.NumberOfCapturingGroups());
}

bool func_regex_find(const struct func_regex *r, const char *text, uint32_t n, uint32_t from,
                     struct func_regex_span *out, unsigned nout)
{
    re2::StringPiece found[FUNC_REGEX_GROUPS_MAX + 1];
    if (nout > FUNC_REGEX_GROUPS_MAX + 1)
        nout = FUNC_REGEX_GROUPS_MAX + 1;
    if (text == nullptr)
        text = "";
    if (!r->re.Match(re2::StringPiece(text, n), from, n, RE2::UNANCHORED, found,
                     static_cast<int>(nout)))
        return false;
    for (unsigned i = 0; i < nout; i++) {
        out[i].from = out[i].to = UINT32_MAX;
        if (found[i].data() == nullptr)
            continue;
        out[i].from = static_cast<uint32_t>(found[i].data() - text);
        out[i].to = out[i].from + static_cast<uint32_t>(found[i].size());
    }
    return true;
}
