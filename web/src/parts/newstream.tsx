// SPDX-License-Identifier: Apache-2.0
// A stream is made by its statement; the server's parser says what is wrong with it, at its place.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, paths, Problem, type Issue, type Stream } from '../api';
import { demoStream } from '../lib/templates';
import { keyLabel, useShortcuts } from '../lib/keys';
import { Button, Card, CopyCurl } from './basic';
import { say } from './dialog';
import { Editor, type EditorHandle } from './editor_lazy';
import { Problems } from './problems';

export function NewStream({ done }: { done: (s: Stream) => void }) {
  const [sql, setSql] = useState(demoStream + ';\n');
  const [issues, setIssues] = useState<Issue[]>([]);
  const [busy, setBusy] = useState(false);
  const editor = useRef<EditorHandle>(null);
  useEffect(() => editor.current?.focus(), []);
  const create = async () => {
    if (busy) return;
    setBusy(true);
    setIssues([]);
    try {
      const s = await api.createStream(sql);
      say(`Stream ${s.name} takes events`);
      return done(s);
    } catch (e) {
      const p = e instanceof Problem ? e : null;
      setIssues(p?.errors.length ? p.errors : [{ code: 'refused', message: p?.message ?? String(e) }]);
    }
    setBusy(false);
  };
  useShortcuts([{ keys: 'mod+Enter', does: 'Create the stream', group: 'New stream', run: () => void create() }]);
  return (
    <div class="new-stream">
      <Card title="Statement" flush side={<CopyCurl path={paths.streams} method="POST" body={JSON.stringify({ sql })} />}>
        <Editor
          ref={editor}
          value={sql}
          onChange={(v) => (setSql(v), setIssues([]))}
          issues={issues}
          submit={create}
          label="CREATE STREAM statement"
        />
        <Problems issues={issues} pick={(i) => editor.current?.jump(i)} quiet />
      </Card>
      <div class="row-actions">
        <Button kind="primary" busy={busy} onClick={() => void create()}>
          Create the stream <kbd>{keyLabel('mod+Enter')}</kbd>
        </Button>
        <p class="dim">
          The column in <code>WATERMARK FOR</code> is the event time; the interval is how long an event may be late behind others.
          Without a connector in <code>WITH</code>, events come by HTTP; with <code>'idle-timeout'</code> a silent partition holds
          nothing back.
        </p>
      </div>
    </div>
  );
}
