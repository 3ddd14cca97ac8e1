// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App } from './app';
import { interceptLinks } from './lib/router';
import { startLive } from './lib/live';
import './style/tokens.css';
import './style/base.css';
import './style/frame.css';
import './style/parts.css';
import './style/pages.css';
import './style/time.css';
import './style/rule.css';
import './style/versions.css';
import './style/state.css';
import './style/lives.css';
import './style/backtests.css';
import './style/checkpoints.css';
import './style/alerts.css';
import './style/lists.css';
import './style/letters.css';
import './style/editor.css';
import './style/narrow.css';

interceptLinks();
startLive();
render(<App />, document.getElementById('app')!);
