/* SPDX-License-Identifier: Apache-2.0 */
#include "server/wire/tracewire.h"

enum { ROW_LATE = 1, ROW_RIGHT = 2 };

void tracewire_put_ask(const struct tracewire_ask *m, struct bytes *out)
{
    bytes_u64(out, m->uid);
    bytes_str(out, m->key, m->key_n);
    bytes_u64(out, (uint64_t)m->at);
    bytes_u8(out, m->has_focus);
    bytes_u32(out, m->partition);
    bytes_u64(out, m->offset);
    bytes_u32(out, m->stream);
    bytes_u32(out, m->steps);
    bytes_u32(out, m->nrows);
}

void tracewire_put_row(const struct tracewire_row *m, struct bytes *out)
{
    bytes_u32(out, m->partition);
    bytes_u64(out, m->offset);
    bytes_u64(out, (uint64_t)m->arrival);
    bytes_u8(out, (uint8_t)((m->late ? ROW_LATE : 0) | (m->side > 0 ? ROW_RIGHT : 0)));
    if (m->late)
        bytes_u64(out, (uint64_t)m->late_w);
    bytes_str(out, m->text, m->n);
}

enum err tracewire_get_ask(struct bytes_reader *r, uint64_t *number, struct tracewire_ask *out)
{
    *number = bytes_get_u64(r);
    out->uid = bytes_get_u64(r);
    out->key = bytes_get_str(r, &out->key_n);
    out->at = (evtime)bytes_get_u64(r);
    unsigned has_focus = bytes_get_u8(r);
    out->has_focus = has_focus != 0;
    out->partition = bytes_get_u32(r);
    out->offset = bytes_get_u64(r);
    out->stream = bytes_get_u32(r);
    out->steps = bytes_get_u32(r);
    out->nrows = bytes_get_u32(r);
    return r->bad || has_focus > 1 ? ERR_CORRUPT : ERR_OK;
}

enum err tracewire_get_row(struct bytes_reader *r, struct tracewire_row *out)
{
    out->partition = bytes_get_u32(r);
    out->offset = bytes_get_u64(r);
    out->arrival = (evtime)bytes_get_u64(r);
    unsigned flags = bytes_get_u8(r);
    out->late = (flags & ROW_LATE) != 0;
    out->side = (flags & ROW_RIGHT) != 0;
    out->late_w = out->late ? (evtime)bytes_get_u64(r) : EVTIME_MIN;
    out->text = bytes_get_str(r, &out->n);
    return r->bad || flags > (ROW_LATE | ROW_RIGHT) ? ERR_CORRUPT : ERR_OK;
}
