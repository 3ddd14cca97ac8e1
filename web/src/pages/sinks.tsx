// SPDX-License-Identifier: Apache-2.0
// /sinks and /sinks/{s}: which results go to which files, what readers can see of them, and what is wrong.
import { outsidePaths, type Sink } from '../api_outside';
import { bytes, duration, number, short } from '../lib/format';
import { Ago, Card } from '../parts/basic';
import { Icon } from '../parts/icons';
import { Figures, KeptPage } from '../parts/kept';

const example = `CREATE SINK ops WITH ('connector'='file', 'path'='ops', 'roll-interval'='5 min');
`;

const cards = (s: Sink) => (
  <>
    {s.wrong ? (
      <Card title="It cannot be written just now">
        <p class="bad-text">
          <Icon name="error" /> {s.wrong}
        </p>
        <p class="dim">Results wait, and checkpoints with them; it is tried again and again. Nothing is lost.</p>
      </Card>
    ) : null}
    <Card title="Results" flush>
      <Figures
        rows={[
          ['Committed', `${number(s.figures.committed_lines)} lines, ${bytes(s.figures.committed_bytes)}`, 'What readers can see'],
          ['Last committed', <Ago time={s.figures.committed_at} />],
          ['Parts', number(s.figures.parts)],
          [
            'Wait for a checkpoint',
            `${number(s.figures.pending_parts)} parts, ${bytes(s.figures.pending_bytes)}`,
            'Ended, and seen by readers when the checkpoint that has them is complete',
          ],
          ['In the open part', bytes(s.figures.open_bytes)],
          ['Not written yet', bytes(s.figures.waiting_bytes), 'In memory'],
          ['Given to it', `${number(s.figures.lines)} lines`, 'Since the start; again after a crash'],
        ]}
      />
    </Card>
  </>
);

export const SinksPage = ({ arg }: { arg: string }) => (
  <KeptPage<Sink>
    arg={arg}
    word="sink"
    many="Sinks"
    icon="send"
    path={outsidePaths.sinks}
    example={example}
    about={
      <>
        All that rules find is in the alert store. A sink has it as files, too: <code>EMIT TO</code> gives a rule's alerts to it.
      </>
    }
    before={
      <>
        <code>path</code> is a folder below that of <code>--sinks-folder</code>. Readers see whole parts, each result once; a part is
        ended by a checkpoint, by <code>roll-size</code> or <code>roll-interval</code>.
      </>
    }
    gone="All that it has is committed before; its files stay."
    brief={(s) => (s.wrong ? <span class="bad-text">cannot be written</span> : `${short(s.figures.committed_lines)} lines`)}
    facts={(s) => [
      ['Connector', s.connector],
      ['Folder', <span class="mono">{s.path}</span>],
      ['Promise', s.promise],
      ['A part ends at', s.roll_interval_ms ? `${bytes(s.roll_bytes)} or ${duration(s.roll_interval_ms)}` : `${bytes(s.roll_bytes)} or a checkpoint`],
    ]}
    cards={cards}
  />
);
