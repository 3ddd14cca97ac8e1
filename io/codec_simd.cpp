/* SPDX-License-Identifier: Apache-2.0 */
#include "io/codec_simd.h"
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>
#include <string_view>

using namespace simdjson;

struct codec_simd {
    std::unique_ptr<internal::dom_parser_implementation> parser;
};

codec_simd *codec_simd_new(void)
{
    auto *s = new (std::nothrow) codec_simd;
    if (s == nullptr ||
        get_active_implementation()->create_dom_parser_implementation(CODEC_SIMD_FIRST, 1,
                                                                      s->parser) != SUCCESS)
        abort();
    return s;
}

void codec_simd_free(codec_simd *s)
{
    delete s;
}

codec_simd_fault codec_simd_index(codec_simd *s, const char *buf, size_t len,
                                  const uint32_t **places)
{
    auto *p = s->parser.get();
    if (len > p->capacity() &&
        p->set_capacity(len > 2 * p->capacity() ? len : 2 * p->capacity()) != SUCCESS)
        abort();
    error_code e = p->stage1(reinterpret_cast<const uint8_t *>(buf), len, stage1_mode::regular);
    switch (e) {
    case SUCCESS:
        break;
    case EMPTY:
        return CODEC_SIMD_EMPTY;
    case UTF8_ERROR:
        return CODEC_SIMD_UTF8;
    case UNCLOSED_STRING:
        return CODEC_SIMD_STRING;
    case UNESCAPED_CHARS:
        return CODEC_SIMD_CONTROL;
    default:
        return CODEC_SIMD_OTHER;
    }
    /* The array has room for more than a place for each byte (simdjson, set_capacity). */
    for (unsigned i = 0; i < CODEC_SIMD_ENDS; i++)
        p->structural_indexes[p->n_structural_indexes + i] = static_cast<uint32_t>(len);
    *places = p->structural_indexes.get();
    return CODEC_SIMD_NONE;
}

namespace
{

uint64_t bare_value(ondemand::value v)
{
    ondemand::json_type type;
    std::string_view text;
    ondemand::number number;
    bool truth = false;
    if (v.type().get(type) != SUCCESS)
        return 0;
    switch (type) {
    case ondemand::json_type::string:
        return v.get_string().get(text) == SUCCESS && !text.empty()
                   ? text.size() + static_cast<unsigned char>(text[0])
                   : 0;
    case ondemand::json_type::number:
        if (v.get_number().get(number) != SUCCESS)
            return 0;
        return number.is_double() ? static_cast<uint64_t>(number.get_double())
                                  : static_cast<uint64_t>(number.get_int64());
    case ondemand::json_type::boolean:
        return v.get_bool().get(truth) == SUCCESS && truth;
    default:
        return 0;
    }
}

} // namespace

uint64_t codec_simd_bare(const char *buf, size_t len, uint64_t *sum)
{
    ondemand::parser parser;
    uint64_t lines = 0;
    for (size_t at = 0; at < len; lines++) {
        auto *newline = static_cast<const char *>(memchr(buf + at, '\n', len - at));
        size_t n = newline ? static_cast<size_t>(newline - buf) - at : len - at;
        ondemand::document document;
        ondemand::object object;
        if (parser.iterate(buf + at, n, n + SIMDJSON_PADDING).get(document) == SUCCESS &&
            document.get_object().get(object) == SUCCESS) {
            for (auto field : object) {
                ondemand::value v;
                if (field.value().get(v) != SUCCESS)
                    break;
                *sum += bare_value(v);
            }
        }
        at += n + 1;
    }
    return lines;
}
