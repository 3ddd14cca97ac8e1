# SPDX-License-Identifier: Apache-2.0
"""Another order of arrival in which the same events are late.

An event is late when its time is less than the largest time before it less the delay. Two neighbours may change places
when neither is late, before or after; what stands behind them sees the same largest time. Events of one time keep their
order, which is the order in which operators see them.
"""
import random


def late_flags(times, delay):
    latest, flags = None, []
    for ts in times:
        flags.append(latest is not None and ts < latest - delay)
        latest = ts if latest is None else max(latest, ts)
    return flags


def permute(times, delay, seed=1, rounds=30):
    """Indices of the events in their new order."""
    rnd = random.Random(seed)
    order = list(range(len(times)))
    late = late_flags(times, delay)
    for _ in range(rounds):
        latest = float("-inf")
        i = 0
        while i + 1 < len(order):
            a, b = order[i], order[i + 1]
            fits = not late[a] and not late[b] and times[a] != times[b]
            if fits and times[a] >= max(latest, times[b]) - delay and rnd.random() < 0.6:
                order[i], order[i + 1] = b, a
            latest = max(latest, times[order[i]])
            i += 1
    return order
