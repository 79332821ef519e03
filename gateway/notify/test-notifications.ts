import { type OperationChanges, testOperation, testVerdict } from '../approvals/test-operation.ts';
import type { Alert } from '../contract/alert.ts';
import type { Approval, Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { NotificationDaemon } from './board/service.ts';
import type { Notification } from './text/notification.ts';

export const ALL_CAPABILITIES = ['body', 'body-markup', 'actions'];

export function testApproval(
  changes: { id?: string; verdict?: Partial<Verdict>; operation?: OperationChanges; state?: Approval['state'] } = {},
): Approval {
  return {
    id: changes.id ?? 'approval-1',
    state: changes.state ?? 'waiting',
    operation: testOperation(changes.operation),
    verdict: testVerdict(changes.verdict),
    estimatedRows: null,
    createdAt: '2026-01-05T10:00:00.000Z',
    expiresAt: '2026-01-05T10:10:00.000Z',
    latestAt: '2026-01-05T11:50:00.000Z',
    decidedAt: null,
    decidedBy: null,
    channel: null,
    message: null,
    grantId: null,
  };
}

export function testAlert(changes: Partial<Alert> = {}): Alert {
  return {
    id: 'session-1/4/many-denials',
    rule: { id: 'many-denials', title: 'Many denials' },
    severity: 'high',
    sentence: 'psql was denied ten times in a minute',
    at: '2026-01-05T10:00:00.000Z',
    sessionId: 'session-1',
    exchange: 4,
    connectionId: 'demo',
    person: 'local:dev',
    agent: 'psql',
    count: 10,
    related: [],
    actions: ['notify'],
    ...changes,
  };
}

/** A notification service that keeps what it shows; `fails` makes it take nothing. */
export class TestDaemon implements NotificationDaemon {
  readonly name = 'Test Daemon 1';
  readonly capabilities: ReadonlySet<string>;
  readonly shown = new Map<number, Notification>();
  calls = 0;
  fails = false;
  #ids = 0;

  constructor(capabilities: readonly string[] = ALL_CAPABILITIES) {
    this.capabilities = new Set(capabilities);
  }

  async notify(notification: Notification, replaces: number): Promise<number> {
    this.calls++;
    await Promise.resolve();
    if (this.fails) throw new CountersignError('DBUS_SILENT', 'it does not answer');
    const id = replaces === 0 ? ++this.#ids : replaces;
    this.shown.set(id, notification);
    return id;
  }

  close(id: number): void {
    this.shown.delete(id);
  }

  get summaries(): string[] {
    return [...this.shown.values()].map(({ summary }) => summary);
  }

  /** The id of what has this in its text. */
  find(text: string): number {
    for (const [id, { summary, body }] of this.shown) if (`${summary}\n${body}`.includes(text)) return id;
    throw new Error(`nothing shown has "${text}" in it`);
  }
}
