// SPDX-License-Identifier: Apache-2.0
// What the mock's rules keep of made-up keys, and why they have not fired.
const at = (ms) => new Date(Date.now() - ms).toISOString();
const row = (variable, offset, ms, amount) => ({ variable, partition: 0, offset, time: at(ms), ...(amount === undefined ? {} : { values: { amount } }) });
const said = (text, truth, of, value) => ({ text, true: truth, values: [{ of, value }] });

function partialsOf(rule) {
  const [first = 'A', second = 'B'] = (rule.variables ?? []).map((v) => v.name);
  return ['c_17', 'c_4410', 'c_88'].map((card, i) => ({
    key: { card },
    more: i,
    partials: Array.from({ length: 1 + i }, (_, n) => ({
      begun: at(90000 * (n + 1)),
      ends: at(90000 * (n + 1) - 600000),
      age_ms: 90000 * (n + 1),
      left_ms: 600000 - 90000 * (n + 1),
      at: first,
      earlier: 0,
      rows: [row(first, 4711 + n, 90000 * (n + 1), 1.2)],
      waits_for: [first, second],
      complete: false,
    })),
  }));
}
function whyOf(rule, body) {
  const [first = 'A', second = 'B'] = (rule.variables ?? []).map((v) => v.name);
  const active = [{ partial: 0, state: 1, begun: at(60000), ends: at(-540000), earlier: 0, rows: [row(first, 10, 60000)], waits_for: [second] }];
  const place = (offset, ms) => ({ partition: 0, offset, time: at(ms) });
  const failed = [said("status = 'approved'", true, 'status', 'approved'), said('amount > 500', false, 'amount', 499.5)];
  const step = (offset, ms, amount, tries, now) => ({ ...place(offset, ms), values: { card: body.key, amount }, taken: 'yes', where: [], tries, ended: [], results: [], active: now });
  return {
    rule: rule.name, version: rule.version, key: { card: body.key }, events: 2, scanned: 48211, complete: true, earlier: 0,
    verdict: {
      kind: 'condition', text: `${first} was there; event 0/11 came nearest to ${second}, but amount > 500 does not hold`, matches: false,
      partial: null, event: place(11, 30000), variable: second, conditions: failed, cut_off: false,
    },
    steps: [
      step(10, 60000, 1.2, [{ partial: null, variable: first, kind: 'take', holds: true, conditions: [said('amount < 2', true, 'amount', 1.2)] }], active),
      step(11, 30000, 499.5, [{ partial: 0, variable: second, kind: 'take', holds: false, conditions: failed }], active),
    ],
    after: { ended: [], results: [], active },
  };
}
export function inspectionOf(rule, rest, query, body) {
  if (rest === ':why_not') return whyOf(rule, body);
  const key = query.get('key');
  const all = rule.kind === 'pattern' ? partialsOf(rule) : [];
  return { rule: rule.name, version: rule.version, kind: rule.kind, data: all.filter((k) => !key || k.key.card === key), out_of_memory: 0, page: { next: null, has_more: false } };
}
