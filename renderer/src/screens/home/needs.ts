import type { McpServerView } from '../../../../gateway/contract/mcp.ts';
import type { IdentityView } from '../../../../gateway/contract/sign-in.ts';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import type { Tone } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';

const t = strings.home.needs;

/** Something that a person should do. `detail` is text from outside. */
export interface Need {
  key: string;
  tone: Tone;
  text: string;
  detail: string | null;
  to: '/settings' | '/policy' | '/evidence' | '/mcp';
  action: string;
}

/** What is asked for beside the status; absent until it is known. */
export interface Others {
  identity?: IdentityView | undefined;
  servers?: readonly McpServerView[] | undefined;
}

/** The worst first. What waits and what was stopped have places of their own on the page. */
export function needsOf(
  status: GatewayStatus,
  sync: SyncStatus | undefined,
  { identity, servers = [] }: Others = {},
): Need[] {
  const changed = servers.filter((server) => server.changed.length > 0).map(({ name }) => name);
  const needs: (Need | null)[] = [
    status.recorder.ok
      ? null
      : {
          key: 'recorder',
          tone: 'bad',
          text: t.recorder,
          detail: status.recorder.error,
          to: '/settings',
          action: t.look,
        },
    status.device.problem === null
      ? null
      : { key: 'device', tone: 'bad', text: t.device, detail: status.device.problem, to: '/evidence', action: t.look },
    identity?.state === 'signed-out'
      ? {
          key: 'identity',
          tone: 'bad',
          text: t.signedOut,
          detail: identity.sentence,
          to: '/settings',
          action: t.signIn,
        }
      : null,
    status.policy.error === null
      ? null
      : { key: 'policy', tone: 'bad', text: t.policy, detail: status.policy.error, to: '/policy', action: t.look },
    sync?.state === 'blocked' || sync?.state === 'failing'
      ? {
          key: 'sync',
          tone: sync.state === 'blocked' ? 'bad' : 'warn',
          text: sync.state === 'blocked' ? t.syncBlocked : t.syncFailing,
          detail: sync.lastError?.sentence ?? null,
          to: '/evidence',
          action: t.look,
        }
      : null,
    status.device.warning === null
      ? null
      : {
          key: 'warning',
          tone: 'warn',
          text: t.warning,
          detail: status.device.warning,
          to: '/evidence',
          action: t.look,
        },
    changed.length === 0
      ? null
      : { key: 'tools', tone: 'warn', text: t.tools(changed.join(', ')), detail: null, to: '/mcp', action: t.review },
    status.policy.staged === null
      ? null
      : { key: 'staged', tone: 'ask', text: t.staged, detail: null, to: '/policy', action: t.review },
    status.pinSet ? null : { key: 'pin', tone: 'warn', text: t.pin, detail: null, to: '/settings', action: t.setPin },
  ];
  return needs.filter((need) => need !== null);
}
