// SPDX-License-Identifier: Apache-2.0
// A stream or a list is made by its statement; the server's parser says what is wrong with it, at its place.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, type Issue } from '../api';
import { keyLabel, useShortcuts } from '../lib/keys';
import { Button, Card, CopyCurl } from './basic';
import { say } from './dialog';
import { Editor, type EditorHandle } from './editor_lazy';
import { Problems } from './problems';

interface Props<T> {
  word: string; // "stream": as people call it, and in CREATE STREAM
  path: string; // where the statement is posted
  example: string;
  create: (sql: string) => Promise<T>;
  made: (object: T) => string; // what is said of it
  done: (object: T) => void;
  children: ComponentChildren; // what to know before writing one
}

export function NewObject<T>({ word, path, example, create, made, done, children }: Props<T>) {
  const [sql, setSql] = useState(example);
  const [issues, setIssues] = useState<Issue[]>([]);
  const [busy, setBusy] = useState(false);
  const editor = useRef<EditorHandle>(null);
  useEffect(() => editor.current?.focus(), []);
  const submit = async () => {
    if (busy) return;
    setBusy(true);
    setIssues([]);
    try {
      const object = await create(sql);
      say(made(object));
      return done(object);
    } catch (e) {
      const p = e instanceof Problem ? e : null;
      setIssues(p?.errors.length ? p.errors : [{ code: 'refused', message: p?.message ?? String(e) }]);
    }
    setBusy(false);
  };
  useShortcuts([{ keys: 'mod+Enter', does: `Create the ${word}`, group: `New ${word}`, run: () => void submit() }]);
  return (
    <div class="new-object">
      <Card title="Statement" flush side={<CopyCurl path={path} method="POST" body={JSON.stringify({ sql })} />}>
        <Editor
          ref={editor}
          value={sql}
          onChange={(v) => (setSql(v), setIssues([]))}
          issues={issues}
          submit={submit}
          label={`CREATE ${word.toUpperCase()} statement`}
        />
        <Problems issues={issues} pick={(i) => editor.current?.jump(i)} quiet />
      </Card>
      <div class="row-actions">
        <Button kind="primary" busy={busy} onClick={() => void submit()}>
          Create the {word} <kbd>{keyLabel('mod+Enter')}</kbd>
        </Button>
        <p class="dim">{children}</p>
      </div>
    </div>
  );
}
