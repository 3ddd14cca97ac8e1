// SPDX-License-Identifier: Apache-2.0
// Versions of the mock's rules: drafts, a made-up plan, activation and the way back.
const kept = new Map(); // rule → versions, the newest first
const now = () => new Date().toISOString();

function listOf(rule) {
  if (!kept.has(rule.name))
    kept.set(rule.name, [
      { version: rule.version, sql: rule.sql, author: null, reason: null, created: rule.created, activated: rule.created },
    ]);
  return kept.get(rule.name);
}
const shown = (rule, v) => ({
  ...v,
  state: v.version === rule.version ? 'active' : v.activated ? 'retired' : 'draft',
  ...(v.version === rule.version ? { handover: { done: true, keys: 214, partials: 31, partials_lost: 2, windows: 0 } } : {}),
});
function add(rule, body, activated) {
  const list = listOf(rule);
  const { sql, author = null, reason = null } = body;
  list.unshift({ version: list[0].version + 1, sql, author, reason, created: now(), activated });
  return list[0];
}
function planOf(rule, v) {
  const items = (rule.variables ?? []).map(({ name }, i) => ({
    kind: 'variable',
    name,
    verdict: ['keep', 'migrate', 'reset'][i % 3],
    reason: [null, 'what may follow it is another', 'its place in the pattern is another'][i % 3],
  }));
  return {
    from: rule.version,
    to: v.version,
    plan: { state: items.length ? 'mapped' : 'kept', reason: null, items },
    partials: rule.partials,
    windows_open: rule.windows_open,
    log: { warm: false, reason: 'the log of this server is made up' },
  };
}

/** `rest`: what follows the rule in the path. The answer's status and body; null: there is no such thing. */
export function versionsOf(rule, rest, method, body) {
  const list = listOf(rule);
  if (rest === '/versions')
    return method === 'GET' ? [200, { data: list.map((v) => shown(rule, v)) }] : [201, shown(rule, add(rule, body, null))];
  const activate = (v) => {
    const next = v.activated ? add(rule, { ...body, sql: v.sql }, now()) : Object.assign(v, { activated: now() });
    Object.assign(rule, { version: next.version, sql: next.sql, updated: now() });
    return [200, rule];
  };
  const number = rest === ':activate' ? body.version : Number(/^\/versions\/(\d+):plan$/.exec(rest)?.[1]);
  const one =
    rest === ':rollback'
      ? list.filter((v) => v.activated && v.version < rule.version).sort((a, b) => b.version - a.version)[0]
      : list.find((v) => v.version === number);
  if (!one) return null;
  return rest.endsWith(':plan') ? [200, planOf(rule, one)] : activate(one);
}
