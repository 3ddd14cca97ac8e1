// SPDX-License-Identifier: Apache-2.0
// Who asked for a version to be active, who approved or rejected it; and saying so.
import { useState } from 'preact/hooks';
import { messageOf, type Rule } from '../api';
import { lifePaths, lives, type Approval, type Approvals as Said, type Verdict } from '../api_lives';
import type { Version } from '../api_versions';
import { useQuery } from '../lib/query';
import { Ago, Button, CopyCurl } from './basic';
import { say } from './dialog';
import { optionsOf, useWhy, WhyFields, Wrong } from './listforms';

const words: Record<Verdict, [string, string]> = {
  request: ['asked for', 'accent'],
  approve: ['approved', 'good'],
  reject: ['rejected', 'bad'],
};

function Row({ of: a }: { of: Approval }) {
  const [text, kind] = words[a.verdict];
  return (
    <li>
      <span class={`pill ${kind}`}>{text}</span> by <b>{a.by}</b> <Ago time={a.at} of="Said" />
      {a.comment ? <q>{a.comment}</q> : null}
    </li>
  );
}

export const useApprovals = (rule: Rule) => useQuery(`approvals/${rule.name}`, (s) => lives.approvals(rule.name, s), 5000);

/** Of one version. Where nobody must approve, only what was said is shown. */
export function Approvals({ rule, of: v, said, done }: { rule: Rule; of: Version; said: Said | null; done: () => void }) {
  const [why, setWhy] = useWhy();
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState<Verdict | null>(null);
  const list = (said?.data ?? []).filter((a) => a.version === v.version);
  const open = said?.required && v.state !== 'active' && v.activated === null;
  if (!open && !list.length) return null;
  const tell = async (verdict: Verdict) => {
    if (busy) return;
    setBusy(verdict);
    setWrong(null);
    const { by, reason } = optionsOf(why);
    try {
      await lives.say(rule.name, v.version, verdict, by, reason);
      say(`Version ${v.version} is ${words[verdict][0]}`);
      setWhy({ ...why, reason: '' });
      done();
    } catch (e) {
      setWrong(messageOf(e));
    }
    setBusy(null);
  };
  return (
    <section class="approvals" aria-label="Approval">
      <h3>
        Approval
        <CopyCurl path={lifePaths.approvals(rule.name)} label="" />
      </h3>
      {open ? (
        <form
          class="form"
          onSubmit={(e) => {
            e.preventDefault();
            void tell(v.approval ? 'approve' : 'request');
          }}
        >
          <p class="dim">Somebody else than who wrote it, or asked for it, must approve it before it can be active.</p>
          <WhyFields of={why} set={setWhy} once />
          <Wrong text={wrong} />
          <div class="row">
            <Button icon="send" busy={busy === 'request'} onClick={() => void tell('request')}>
              Ask for it
            </Button>
            <Button kind={v.approval === 'approved' ? 'plain' : 'primary'} icon="check" busy={busy === 'approve'} onClick={() => void tell('approve')}>
              Approve
            </Button>
            <Button kind="ghost" icon="close" busy={busy === 'reject'} onClick={() => void tell('reject')}>
              Reject
            </Button>
          </div>
        </form>
      ) : null}
      {list.length ? (
        <ol class="approvals-said">
          {list.map((a) => (
            <Row key={a.at + a.verdict} of={a} />
          ))}
        </ol>
      ) : null}
    </section>
  );
}
