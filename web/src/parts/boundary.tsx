// SPDX-License-Identifier: Apache-2.0
// A fault in one page leaves the frame standing, and says what it was.
import { Component, type ComponentChildren } from 'preact';
import { Button } from './basic';
import { Icon } from './icons';

export class Boundary extends Component<{ children: ComponentChildren }, { fault: Error | null }> {
  override state = { fault: null };
  override componentDidCatch(fault: Error) {
    console.error(fault);
    this.setState({ fault });
  }
  override render() {
    const fault: Error | null = this.state.fault;
    if (!fault) return this.props.children;
    return (
      <main class="page">
        <div class="empty failed" role="alert">
          <div class="empty-icon">
            <Icon name="warn" size={22} />
          </div>
          <h3>This page has a fault</h3>
          <div class="empty-text">
            <code>{String(fault)}</code>
            <Button onClick={() => location.reload()}>Load it again</Button>
          </div>
        </div>
      </main>
    );
  }
}
