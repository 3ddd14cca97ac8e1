#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brute-force reference for the rule language's windows, OVER and interval joins (the meaning is Flink's window
operator's).  It keeps every row of every window and recomputes.  Words, expressions: reference_iso.py.

A watermark W, here, says: every event with time <= W has been seen.  {"watermark": N} sets it; the stream's
WATERMARK expression E sets it to E - SLACK.  SLACK = 1: an event of time E is not late yet (LANGUAGE.md: equal times
keep the order of arrival); SLACK = 0 is Flink SQL's own reading.  `check` runs both and reports where they differ.

    reference_windows.py FILE.jsonl ...
"""
import json, re, sys
import reference_iso as iso
from reference_iso import SqlError, Unsupported, Parser, RowScope, aggregate, name_of, read_row

AGG = {'COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'STDDEV', 'FIRST', 'LAST', 'FIRST_VALUE', 'LAST_VALUE'}
ENDLESS = 1 << 60
SLACK = 1

def duration(text):
    m = re.match(r'(\d+)\s*(ms|s|sec|min|h|d)$', text)
    return int(m[1]) * {'ms': 1, 's': 1000, 'sec': 1000, 'min': 60000, 'h': 3600000, 'd': 86400000}[m[2]]

# ---------------------------------------------------------------- parser
class P(Parser):
    def over(s, f):
        s.need('('); part, order, frame = [], None, ('RANGE', None)
        if s.take('PARTITION', 'BY'):
            part = [s.expr()]
            while s.take(','): part.append(s.expr())
        if s.take('ORDER', 'BY'): order = s.expr(); s.take('ASC')
        if s.at('ROWS') or s.at('RANGE'):
            kind = s.next().text; between = s.take('BETWEEN')
            if s.take('UNBOUNDED'): bound = None
            else: bound = s.additive()[1]
            s.need('PRECEDING')
            if between: s.need('AND'); s.need('CURRENT', 'ROW')
            frame = (kind, bound)
        s.need(')')
        return ('over', f, part, order, frame)

    def window(s):
        s.need('('); fn = s.ident().text; s.need('('); s.need('TABLE')
        w = {'fn': fn, 'table': s.ident().text, 'keys': [], 'args': []}
        if s.take('PARTITION', 'BY'):
            w['keys'] = [s.expr()]
            while s.take(','): 
                if s.at('DESCRIPTOR') or s.peek().kind == 'num': s.i -= 1; break
                w['keys'].append(s.expr())
        while s.take(','):
            if s.take('DESCRIPTOR'): s.need('('); w['time'] = s.ident().text; s.need(')')
            else:
                e = s.additive(); w['args'].append(-e[1][1] if e[0] == 'neg' else e[1])
        s.need(')'); s.need(')')
        return w

    def select(s):
        q = {'items': s.select_items(), 'group': [], 'having': None, 'where': None, 'qualify': None, 'alias': None, 'join': None}
        s.need('FROM')
        if s.at('TABLE') and s.peek(1).text == '(': s.next(); q['from'] = ('window', s.window())
        elif s.take('('):
            s.need('SELECT'); q['from'] = ('query', s.select()); s.need(')')
        else: q['from'] = ('stream', s.ident().text)
        q['alias'] = s.alias() or (q['from'][1] if q['from'][0] == 'stream' else None)
        left = s.take('LEFT'); s.take('OUTER'); inner = s.take('INNER')
        if s.take('JOIN'):
            right = s.ident().text; a = s.alias() or right; s.need('ON'); q['join'] = (left, right, a, s.expr())
        elif left or inner: raise SqlError('JOIN expected')
        if s.take('WHERE'): q['where'] = s.expr()
        if s.take('GROUP', 'BY'):
            q['group'] = [s.expr()]
            while s.take(','): q['group'].append(s.expr())
        if s.take('HAVING'): q['having'] = s.expr()
        if s.take('QUALIFY'): q['qualify'] = s.expr()
        return q
    def alias(s):
        if s.take('AS'): return s.ident().text
        if s.peek().kind == 'id' and not any(s.at(w) for w in
            ('WHERE', 'GROUP', 'HAVING', 'QUALIFY', 'JOIN', 'LEFT', 'INNER', 'ON', 'EMIT', 'LATE', 'RIGHT', 'FULL')): return s.ident().text

def parse(sql):
    p, streams, rules = P(sql), {}, []
    while p.peek().kind != 'end':
        p.need('CREATE')
        if p.take('STREAM'): st = p.stream(); streams[st['name']] = st
        elif p.take('RULE'):
            p.ident(); o = p.options(); p.need('AS'); p.need('SELECT'); q = p.select()
            if p.take('EMIT'):
                while not p.at(';'): p.next()
            p.take(';'); rules.append((o, q))
        else: raise Unsupported(p.peek().raw)
    return streams, rules

# ---------------------------------------------------------------- groups
class Group(RowScope):
    """Aggregates over a list of rows; a column is a key, a window column, or the row itself (OVER)."""
    def __init__(s, rows, keys): s.rows, s.keys = rows, keys
    def column(s, var, name, at):
        if name in s.keys: return s.keys[name]
        raise SqlError('column %s is neither grouped nor aggregated' % name)
    def function(s, e, at):
        _, fn, args, opt = e
        if fn not in AGG: return super().function(e, at)
        rows, one = s.rows, RowScope()
        if opt.get('filter'): rows = [r for r in rows if one.ev(opt['filter'], r) is True]
        if not args or args[0][0] == 'star': return len(rows)
        return aggregate(fn, [one.ev(args[0], r) for r in rows], opt['distinct'])

class Window:
    def __init__(s, start, end, key): s.start, s.end, s.key, s.rows, s.fired, s.new, s.next = start, end, key, [], False, 0, None
    def last(s): return s.end - 1 if s.end is not None else ENDLESS

class Windows:
    def __init__(s, st, options, q, w):
        s.st, s.q, s.w, s.o, s.out, s.live, s.mark, s.scope = st, q, w, options, [], [], -ENDLESS, RowScope()
        s.lateness = duration(options['allowed-lateness']) if 'allowed-lateness' in options else 0
        s.trigger = options.get('trigger', 'event-time').split()
        s.purge = options.get('purge') == 'true'
        s.evictor = options.get('evictor', '').split()
        s.names = {n: shown for n, (shown, _, _) in st['cols'].items()}
        s.keyed = [e for e in q['group'] if not (e[0] == 'col' and e[2] in ('WINDOW_START', 'WINDOW_END', 'WINDOW_TIME'))]
        if w['fn'].startswith('COUNT_'): s.trigger, s.purge, s.evictor = ['count', str(w['args'][0])], w['fn'] == 'COUNT_TUMBLE', []
        if w['fn'] == 'COUNT_HOP': s.evictor = ['count', str(w['args'][1])]
    def key(s, row): return json.dumps([s.scope.ev(e, row) for e in s.w['keys'] + s.keyed])
    def time(s, row): return row[s.w.get('time') or s.st['watermark'][0]]
    def spans(s, t):
        fn, a = s.w['fn'], s.w['args']
        if any(x <= 0 for x in a[:1]) : raise SqlError('size must be positive')
        if fn == 'TUMBLE':
            o = a[1] if len(a) > 1 else 0; b = t - (t - o) % a[0]; return [(b, b + a[0])]
        if fn == 'HOP':
            o = a[2] if len(a) > 2 else 0; b = t - (t - o) % a[0]; res = []
            while b > t - a[1]: res.append((b, b + a[1])); b -= a[0]
            return res[::-1]
        if fn == 'CUMULATE':
            o = a[2] if len(a) > 2 else 0; b = t - (t - o) % a[1]
            first = b + ((t - b) // a[0] + 1) * a[0]
            return [(b, e) for e in range(first, b + a[1] + 1, a[0])]
        if fn == 'SESSION': return [(t, t + a[0])]
        return [(None, None)]
    def event(s, row):
        t, key, kept = s.time(row), s.key(row), False
        for b, e in s.spans(t):
            if s.w['fn'] == 'SESSION':
                hit = [x for x in s.live if x.key == key and x.start <= e and x.end >= b]     # touching sessions are one
                new = Window(min([b] + [x.start for x in hit]), max([e] + [x.end for x in hit]), key)
                if new.last() + s.lateness <= s.mark: continue
                for x in hit:
                    s.live.remove(x); new.rows += x.rows; new.fired |= x.fired; new.new += x.new
                s.live.append(new); w = new
            else:
                if e is not None and e - 1 + s.lateness <= s.mark: continue
                w = next((x for x in s.live if x.key == key and (x.start, x.end) == (b, e)), None)
                if w is None: w = Window(b, e, key); s.live.append(w)
            kept = True
            w.rows.append(row); w.new += 1
            if s.trigger[0] == 'count':
                if w.new >= int(s.trigger[1]): w.new = 0; s.fire(w)
            elif w.last() <= s.mark: s.fire(w)
            elif s.trigger[0] == 'continuous' and w.next is None:
                i = duration(' '.join(s.trigger[1:])); w.next = t - t % i + i
        if not kept and t + s.lateness <= s.mark: s.out.append({'kind': 'late', 'row': {s.names[k]: v for k, v in row.items()}})
    def advance(s, mark):
        if mark <= s.mark: return
        s.mark = mark
        due = []
        for w in s.live:
            if s.trigger[0] == 'event-time' and w.last() <= mark: due.append((w.last(), w))
            if s.trigger[0] == 'continuous':
                i = duration(' '.join(s.trigger[1:]))
                while w.next is not None and w.next <= min(mark, w.last()) and mark < ENDLESS: due.append((w.next, w)); w.next += i
                if w.last() <= mark: due.append((w.last(), w))
        for at, w in sorted(due, key=lambda x: x[0]):
            if at < w.last() or getattr(w, 'done', None) != w.last(): s.fire(w)
            if at == w.last(): w.done = at
        s.live = [w for w in s.live if w.last() + s.lateness > mark]
    def fire(s, w):
        if s.evictor and w.rows:
            if s.evictor[0] == 'count': w.rows = w.rows[-int(s.evictor[1]):]
            else:
                cut = max(s.time(r) for r in w.rows) - duration(' '.join(s.evictor[1:])); w.rows = [r for r in w.rows if s.time(r) > cut]
        if not w.rows: return
        keys = {e[2]: s.scope.ev(e, w.rows[-1]) for e in s.keyed if e[0] == 'col'}
        keys.update(WINDOW_START=w.start, WINDOW_END=w.end, WINDOW_TIME=None if w.end is None else w.end - 1)
        g = Group(w.rows, keys)
        if s.q['having'] is None or g.ev(s.q['having'], None) is True:
            s.out.append({'kind': 'update' if w.fired else 'match', 'row': {n: g.ev(e, None) for e, n in s.q['items']}})
        w.fired = not s.w['fn'].startswith('COUNT_')
        w.done = w.last() if w.last() <= s.mark else getattr(w, 'done', None)
        if s.purge: w.rows = []

# ---------------------------------------------------------------- running a case
def feed(case, streams, slack):
    """Yields ('event', stream, row) and ('mark', W); the mark of several streams is the least of theirs."""
    marks = {n: -ENDLESS for n in streams}
    only = next(iter(streams)) if len(streams) == 1 else None
    for e in case['events']:
        if set(e) == {'watermark'}:
            for n in marks: marks[n] = max(marks[n], e['watermark'])
            yield 'mark', None, min(marks.values()); continue
        e = dict(e); st = streams[(e.pop('_stream', None) or only).upper()]
        row = read_row(st, e); yield 'event', st, row
        if st['watermark']:
            marks[st['name']] = max(marks[st['name']], RowScope().ev(st['watermark'][1], row) - slack)
            yield 'mark', None, min(marks.values())
    if case.get('bounded', True): yield 'mark', None, ENDLESS

def select_row(q, have, scope, names):
    row = {}
    for e, n in q['items']:
        if e == '*': row.update({names.get(k, k): v for k, v in have.items()})
        else: row[n] = scope(have).ev(e, have)
    return row

class OverScope(RowScope):
    def __init__(s, rows, i, tcol): s.rows, s.i, s.tcol = rows, i, tcol
    def ev(s, e, at):
        if e[0] != 'over': return super().ev(e, at)
        _, f, part, order, (kind, bound) = e
        one = RowScope(); me = [one.ev(p, at) for p in part]
        same = [(j, r) for j, r in enumerate(s.rows) if [one.ev(p, r) for p in part] == me]
        if f[1] == 'LAG':
            before = [r for j, r in same if j < s.i]; n = f[2][1][1] if len(f[2]) > 1 else 1
            if len(before) < n: return one.ev(f[2][2], at) if len(f[2]) > 2 else None
            return one.ev(f[2][0], before[-n])
        if f[1] == 'ROW_NUMBER': return len([1 for j, r in same if j <= s.i])
        if kind == 'ROWS':
            rows = [r for j, r in same if j <= s.i]; rows = rows if bound is None else rows[-(bound + 1):]
        else:
            t = one.ev(order, at); rows = [r for j, r in same if one.ev(order, r) <= t and (bound is None or one.ev(order, r) >= t - bound)]
        return Group(rows, {}).function(f, at)

def evaluate(case, slack=None):
    slack = SLACK if slack is None else slack
    streams, rules = parse(case['sql'])
    if len(rules) != 1: raise Unsupported('%d rules' % len(rules))
    options, q = rules[0]
    kind, src = q['from']
    if kind == 'window':
        st = streams[src['table']]
        w = Windows(st, options, q, src); out = w.out
        if not q['group']: return passthrough(case, streams, q, w, slack)
        for what, _, x in feed(case, streams, slack):
            if what == 'event':
                if q['where'] is None or RowScope().ev(q['where'], x) is True: w.event(x)
            else: w.advance(x)
        return out
    if q['join']: return join(case, streams, q, slack)
    inner = src if kind == 'query' else q
    st = streams[inner['from'][1]]; tcol = st['watermark'][0]; names = {n: shown for n, (shown, _, _) in st['cols'].items()}
    rows, late, mark, out = [], [], -ENDLESS, []
    for what, _, x in feed(case, streams, slack):
        if what == 'mark': mark = x
        elif x[tcol] <= mark: out.append({'kind': 'late', 'row': {names[k]: v for k, v in x.items()}})
        elif inner['where'] is None or RowScope().ev(inner['where'], x) is True: rows.append(x)
    rows.sort(key=lambda r: r[tcol])
    for i, r in enumerate(rows):
        sc = OverScope(rows, i, tcol)
        row = select_row(inner, r, lambda h: sc, names)
        if inner['qualify'] is not None and sc.ev(inner['qualify'], {**r, **{k.upper(): v for k, v in row.items()}}) is not True: continue
        if kind == 'query':
            have = {k.upper(): v for k, v in row.items()}
            if q['where'] is not None and RowScope().ev(q['where'], have) is not True: continue
            row = select_row(q, have, lambda h: RowScope(), {k.upper(): k for k in row})
        out.append({'kind': 'match', 'row': row})
    return out

def passthrough(case, streams, q, w, slack):                  # a windowing function without GROUP BY: each row, each window
    out = []
    for what, _, x in feed(case, streams, slack):
        if what != 'event': continue
        for b, e in w.spans(w.time(x)):
            have = dict(x, WINDOW_START=b, WINDOW_END=e, WINDOW_TIME=e - 1)
            out.append({'kind': 'match', 'row': select_row(q, have, lambda h: RowScope(), w.names)})
    return out

class JoinScope(RowScope):
    def __init__(s, sides): s.sides = sides
    def column(s, var, name, at):
        if var is not None:
            if var not in s.sides: raise SqlError('unknown stream %s' % var)
            return s.sides[var].get(name)
        hits = [r for r in s.sides.values() if name in r]
        if len(hits) != 1: raise SqlError('column %s is %s' % (name, 'ambiguous' if hits else 'unknown'))
        return hits[0][name]

def join(case, streams, q, slack):
    left, rname, ralias, on = q['join']
    a, b = streams[q['from'][1]], streams[rname]
    rows = {a['name']: [], b['name']: []}; out = []
    for what, st, x in feed(case, streams, slack):
        if what == 'event': rows[st['name']].append(x)
    nothing = {c: None for c in b['cols']}
    for x in rows[a['name']]:
        hits = [y for y in rows[b['name']] if JoinScope({q['alias']: x, ralias: y}).ev(on, None) is True]
        for y in hits or ([nothing] if left else []):
            sc = JoinScope({q['alias']: x, ralias: y})
            if q['where'] is not None and sc.ev(q['where'], None) is not True: continue
            out.append({'kind': 'match', 'row': {n: sc.ev(e, None) for e, n in q['items']}})
    return out

def both(case):
    got = evaluate(case, 1)
    if case.get('decide', '').startswith('watermark-boundary'): return got
    other = evaluate(case, 0)
    if sorted(map(iso.key, got)) != sorted(map(iso.key, other)):
        print('BOUNDARY %s: SLACK 0 gives another result' % case['name'])
    return got

if __name__ == '__main__': sys.exit(1 if iso.main([a for a in sys.argv[1:] if a != '-v'], both) else 0)
