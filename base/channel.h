/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - versioned frames over a non-blocking Unix socket, buffered on both sides, with credits.
 *
 * Room:   coordinator <-> worker, worker <-> worker
 * Owns:   the socket and both buffers.  Thread: one at a time.  Time: none.
 *
 * A frame is a header (version, kind, stage, epoch, credits granted, length) and bytes that the channel does not look
 * at. Counted frames use up credit, `window` bytes at the start; dropping one gives its bytes back to the sender. Others
 * (control) always pass. Sending never blocks and never fails: what the socket does not take waits here, and the caller
 * asks channel_ready before it makes more. Both ends are opened with the same window. */
#ifndef WEIR_BASE_CHANNEL_H
#define WEIR_BASE_CHANNEL_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHANNEL_VERSION = 1, CHANNEL_HEADER_BYTES = 20, CHANNEL_FRAME_MAX = 256 << 20 };

struct channel;

struct channel_frame {
    uint8_t kind; /* 1 … 255; 0 is the channel's own */
    bool counted;
    uint16_t stage; /* of the exchange: 0 until rules read other rules */
    uint32_t epoch; /* of the set of rules under which it was made */
    const uint8_t *p;
    uint32_t n;
};

struct channel *channel_new(int fd, size_t window); /* takes the socket; makes it non-blocking */
void channel_free(struct channel *c); /* NULL is fine; what waits is lost */
int channel_fd(const struct channel *c);

/* Queues a frame; its bytes are copied. */
void channel_send(struct channel *c, const struct channel_frame *f);
/* Writes what the socket takes now. ERR_CLOSED: the other side is gone. */
enum err channel_flush(struct channel *c);
size_t channel_queued(const struct channel *c); /* bytes that wait for the socket */
/* Credit is left, and less than a window waits for the socket. */
bool channel_ready(const struct channel *c);
/* A whole window more was sent than there was credit for. */
bool channel_overdrawn(const struct channel *c);

/* Reads what has come, up to a bounded amount. ERR_AGAIN: nothing. ERR_CLOSED: the other side is gone; frames that are
 * whole can still be taken. */
enum err channel_read(struct channel *c);
/* The first whole frame, valid until the drop or the next read. ERR_END: none. ERR_CORRUPT, ERR_VERSION: the other side
 * speaks something else; the channel is of no more use. */
enum err channel_peek(struct channel *c, struct channel_frame *out);
void channel_drop(
    struct channel
        *c); /* the frame that channel_peek gave; its credit goes back with the next flush */
/* While held, credit of what is dropped is kept back: the sender gets no further than its window. */
void channel_hold(struct channel *c, bool held);
/* Another window than that of channel_new; before anything counted was sent, on both ends. */
void channel_set_window(struct channel *c, size_t window);

struct channel_stats {
    int64_t window, credit; /* credit below zero: overdrawn */
    uint64_t queued; /* bytes that wait for the socket */
    uint64_t owed; /* counted bytes that were taken here, and whose credit has not gone back yet */
    uint64_t sent, received; /* bytes, with headers, so far */
};
void channel_stats(const struct channel *c, struct channel_stats *out);

#endif
