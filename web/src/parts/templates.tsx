// SPDX-License-Identifier: Apache-2.0
import { templates, type Template } from '../lib/templates';
import { Icon } from './icons';

export const TemplateCards = ({ pick }: { pick: (t: Template) => void }) => (
  <ul class="templates">
    {templates.map((t) => (
      <li key={t.name}>
        <button type="button" onClick={() => pick(t)}>
          <b>{t.title}</b>
          <span>{t.what}</span>
          <small>
            <Icon name={t.kind === 'pattern' ? 'rules' : t.kind === 'window' ? 'clock' : 'filter'} size={12} /> {t.kind}
          </small>
        </button>
      </li>
    ))}
  </ul>
);
