/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include <errno.h>
#include <stddef.h>

static const struct {
    const char *name, *text;
    int http, retryable;
} codes[] = {
#define ERR_ROW(code, http_, retry_, text_) [ERR_##code] = {#code, text_, http_, retry_},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

/* A number from outside (a frame, a file) may be none of ours. */
static int known(enum err e)
{
    return (unsigned)e < ERR_COUNT;
}

const char *err_name(enum err e)
{
    return known(e) ? codes[e].name : "UNKNOWN";
}

const char *err_text(enum err e)
{
    return known(e) ? codes[e].text : "unknown failure";
}

int err_http(enum err e)
{
    return known(e) ? codes[e].http : 500;
}

int err_retryable(enum err e)
{
    return known(e) ? codes[e].retryable : 0;
}

enum err err_from_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EADDRINUSE:
    case EBUSY:
    case ETXTBSY:
        return ERR_IN_USE;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
    case EINTR:
        return ERR_AGAIN;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
        return ERR_INVALID;
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
        return ERR_LIMIT;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}
