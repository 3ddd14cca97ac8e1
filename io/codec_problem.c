/* SPDX-License-Identifier: Apache-2.0 */
#include "io/codec_json.h"

const char *codec_problem_name(enum codec_problem_code c)
{
    static const char *const names[] = {
#define CODEC_NAME(name, text) [CODEC_##name] = text,
        CODEC_PROBLEMS(CODEC_NAME)
#undef CODEC_NAME
    };
    return names[c];
}
