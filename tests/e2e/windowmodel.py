# SPDX-License-Identifier: Apache-2.0
"""Windows as docs/language.md has them, by brute force: every window keeps its rows, and every firing computes anew.

One partition. Rows that are on time wait for the watermark and come in order of (time, place); a late row comes at once.
Rules that go by arrival get every row at once. What is due at a time comes before the rows of that time (a session's end
after those that touch it)."""
ENDLESS = 1 << 60


class Window:
    def __init__(self, start, end, key):
        self.start, self.end, self.key = start, end, key
        self.rows, self.since, self.fresh, self.ended, self.next = [], 0, False, False, None
        self.results, self.retracted, self.identity = 0, False, None


class Windows:
    """rule: kind, size, slide, offset, lateness, trigger (name, number), purge, evictor (name, number, after), key(row),
    gap(row), having(rows), values(rows); by_arrival."""

    def __init__(self, rule, delay):
        self.rule, self.delay, self.out, self.live = rule, delay, [], []
        self.mark, self.now, self.waiting = -ENDLESS, -ENDLESS, []
        self.last, self.expired = {}, 0

    # --- time ---
    def feed(self, row):
        late = row["ts"] < self.mark
        if late or self.rule["by_arrival"]:
            self.row(row, self.mark if late else min(self.mark, row["ts"] - 1), late)
        else:
            self.waiting.append(row)
        if not late:
            self.raise_mark(row["ts"] - self.delay, row["ts"] - self.delay)

    def raise_mark(self, to, mark):
        if to <= self.mark:
            return
        risen, self.mark = mark > self.mark, to
        self.waiting.sort(key=lambda r: (r["ts"], r["place"]))
        while self.waiting and self.waiting[0]["ts"] < to:
            row = self.waiting.pop(0)
            self.advance(row["ts"], mark, True)
            self.row(row, row["ts"] - 1, False)
        self.advance(to, mark, any(r["ts"] == to for r in self.waiting))
        if risen:
            for w in list(self.live):
                if self.rule["trigger"][0] == "punctuated" and w.fresh:
                    self.fire(w)

    def end(self):
        said = self.mark
        self.mark_before_end = said
        self.raise_mark(ENDLESS, said)

    def advance(self, to, mark, rows_at):
        """State that got no rows for its time to live goes when what was due before has come."""
        while self.rule.get("ttl"):
            over = min(self.last.items(), key=lambda item: item[1], default=(None, ENDLESS))
            if over[1] + self.rule["ttl"] > to or over[1] == ENDLESS:
                break
            self.fire_due(over[1] + self.rule["ttl"], mark, False)
            self.expired += any(repr(w.key) == over[0] for w in self.live)
            self.live = [w for w in self.live if repr(w.key) != over[0]]
            del self.last[over[0]]
        self.fire_due(to, mark, rows_at)

    def fire_due(self, to, mark, rows_at):
        if self.rule["kind"] == "SESSION" and rows_at:
            to -= 1
        while True:
            due = [(at, n) for n, w in enumerate(self.live) for at in [self.due(w, min(mark, to))] if at <= to]
            if not due:
                return
            at, n = min(due)
            w = self.live[n]
            if w.next is not None and at == w.next and at < w.end - 1 and not w.ended:
                self.fire(w)
                w.next += self.rule["trigger"][1]
            elif not w.ended and self.wants_end():
                w.ended = True
                if self.rule["trigger"][0] != "punctuated" or w.fresh:
                    self.fire(w)
            else:
                self.live.remove(w)

    def wants_end(self):
        return self.rule["trigger"][0] in ("event-time", "continuous", "punctuated")

    def due(self, w, limit):
        if w.ended or not self.wants_end():
            return w.end + (self.rule["lateness"] if w.end < ENDLESS else 0)
        if w.next is not None and w.next < w.end - 1 and w.next <= limit:
            return w.next
        return w.end

    # --- rows ---
    def spans(self, row):
        kind, size, slide, t = self.rule["kind"], self.rule["size"], self.rule["slide"], row["ts"]
        offset = self.rule["offset"]
        if kind == "TUMBLE":
            start = t - (t - offset) % size
            return [(start, start + size)]
        if kind == "HOP":
            last = t - (t - offset) % slide
            return [(s, s + size) for s in range(last, t - size, -slide) if s <= t < s + size][::-1]
        if kind == "CUMULATE":
            start = t - (t - offset) % size
            return [(start, e) for e in range(start + slide, start + size + 1, slide) if e > t]
        return [(None, ENDLESS)]

    def row(self, row, now, late):
        key = repr(self.rule["key"](row))
        if self.give(row, now, late) and any(repr(w.key) == key for w in self.live):
            self.last[key] = max(self.mark if late else row["ts"], self.last.get(key, -ENDLESS))

    def give(self, row, now, late):
        """False: it is late for all windows, so nothing has seen it."""
        if self.rule["kind"] == "SESSION":
            self.session(row, now)
            return True
        kept = False
        for start, end in self.spans(row):
            if end < ENDLESS and end + self.rule["lateness"] <= now:
                continue
            kept = True
            found = [w for w in self.live if (w.start, w.end, w.key) == (start, end, self.rule["key"](row))]
            if not found:
                found = [Window(start, end, self.rule["key"](row))]
                self.live += found
            self.put(found[0], row, now)
        if late and not kept and row["ts"] + self.rule["lateness"] < self.mark:
            self.out.append(("late", row["place"]))
        return kept or not late

    def session(self, row, now):
        start, end, key = row["ts"], row["ts"] + self.rule["gap"](row), self.rule["key"](row)
        hit = [w for w in self.live if w.key == key and w.start <= end and w.end >= start and w.end + self.rule["lateness"] > now]
        if not hit and end + self.rule["lateness"] <= now:
            self.out.append(("late", row["place"]))
            return
        hit.sort(key=lambda w: w.start)
        new = Window(min([start] + [w.start for w in hit]), max([end] + [w.end for w in hit]), key)
        told = [w for w in hit if w.results > 0]
        if told:
            new.results, new.retracted, new.identity = told[0].results, told[0].retracted, told[0].identity
            new.replaces = sum(not w.retracted for w in told[1:])
        for w in hit:
            self.live.remove(w)
            new.rows += w.rows
            new.since += w.since
            new.fresh |= w.fresh
            new.next = w.next if new.next is None else new.next if w.next is None else min(new.next, w.next)
        new.rows.sort(key=lambda r: r["order"])
        new.ended = new.end <= now
        self.live.append(new)
        self.put(new, row, now)

    def put(self, w, row, now):
        past = w.end <= now
        self.count = getattr(self, "count", 0) + 1
        w.rows.append(dict(row, order=self.count))
        w.since += 1
        w.fresh = True
        name, n = self.rule["trigger"]
        if name == "count" and w.since >= n:
            w.since = 0
            self.fire(w)
        if name == "continuous" and not past and (w.next is None or w.next <= now):
            after = max(row["ts"], now)
            w.next = after - after % n + n
        if past and self.wants_end():
            w.ended = True
            self.fire(w)

    # --- results ---
    def evict(self, w):
        name, n = self.rule["evictor"][:2]
        if name == "count":
            w.rows = w.rows[-n:]
        elif w.rows:
            cut = max(r["ts"] for r in w.rows) - n
            w.rows = [r for r in w.rows if r["ts"] > cut]

    def fire(self, w):
        w.fresh = False
        evictor = self.rule["evictor"]
        if evictor and not evictor[2]:
            self.evict(w)
        if not w.rows:
            return
        self.tell(w)
        if evictor and evictor[2]:
            self.evict(w)
        if self.rule["purge"]:
            w.rows = []

    def tell(self, w):
        counted = self.rule["kind"].startswith("COUNT_")
        told = w.results > 0 and not counted
        holds = self.rule["having"](w.rows)
        if not holds and (not told or w.retracted):
            return
        bounds = [None, None] if w.start is None else [w.start, w.end]
        result = ["update" if told else "match", w.key, bounds, self.rule["values"](w.rows)]
        if told:
            result += [w.results, not holds]
        if not counted:
            w.results += 1
            w.retracted = not holds
        self.out.append(tuple(result))
