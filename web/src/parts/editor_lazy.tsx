// SPDX-License-Identifier: Apache-2.0
// The editor's frame: CodeMirror comes when it is first needed, so that other pages are light. Until then, plain text.
import { forwardRef } from 'preact/compat';
import { useEffect, useImperativeHandle, useRef, useState } from 'preact/hooks';
import type { Issue, Stream } from '../api';
import type { Controller } from './editor';
import { SqlView } from './sqlview';

export interface EditorHandle {
  set(text: string): void;
  focus(): void;
  jump(i: Issue): void;
  fix(i: Issue, to: string): void;
  select(from: number, to: number): void;
}
interface Props {
  value: string; // at the start; later changes go through set(), so that none can overtake the typing
  onChange: (text: string) => void;
  issues: Issue[];
  streams?: Stream[];
  submit: () => void;
  label: string;
}

export const Editor = forwardRef<EditorHandle, Props>((p, ref) => {
  const box = useRef<HTMLDivElement>(null);
  const control = useRef<Controller | null>(null);
  const props = useRef(p);
  props.current = p;
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const waiting = useRef<(() => void)[]>([]);
  const later = (f: () => void) => (control.current ? f() : waiting.current.push(f));

  useEffect(() => {
    let gone = false;
    import('./editor').then(
      ({ createEditor }) => {
        if (gone || !box.current) return;
        control.current = createEditor(box.current, {
          value: props.current.value,
          label: props.current.label,
          onChange: (t) => props.current.onChange(t),
          streams: () => props.current.streams ?? [],
          submit: () => props.current.submit(),
        });
        control.current.issues(props.current.issues);
        setReady(true);
        waiting.current.splice(0).forEach((f) => f());
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      control.current?.destroy();
      control.current = null;
    };
  }, []);
  useEffect(() => control.current?.issues(p.issues), [p.issues]);
  useImperativeHandle(ref, () => ({
    set: (text) => later(() => control.current?.set(text)),
    focus: () => later(() => control.current?.focus()),
    jump: (i) => later(() => control.current?.jump(i)),
    fix: (i, to) => later(() => control.current?.fix(i, to)),
    select: (from, to) => later(() => control.current?.select(from, to)),
  }));
  return (
    <div class="editor">
      <div class="editor-box" ref={box} />
      {failed ? (
        <textarea
          class="mono"
          aria-label={p.label}
          value={p.value}
          spellcheck={false}
          onInput={(e) => p.onChange(e.currentTarget.value)}
        />
      ) : ready ? null : (
        <div class="editor-wait">
          <SqlView sql={p.value} label={p.label} />
        </div>
      )}
    </div>
  );
});
