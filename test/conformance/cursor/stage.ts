import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Approval } from '../../../gateway/contract/decision.ts';
import { CursorPlayer } from '../../support/cursor-player.ts';
import { type CommandRun, runCountersign } from '../../support/gateway.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { nextHeld, setTestPin, TEST_PIN } from '../../support/side-by-side.ts';

/** A developer's home, a project, and a gateway, with Cursor's hooks installed as a person installs them. */
export interface Stage {
  gateway: TestService;
  home: string;
  project: string;
  gatewayHome: string;
  countersign(...args: string[]): Promise<CommandRun>;
  play(conversationId: string, mode?: 'editor' | 'cli'): CursorPlayer;
  /** The next request that waits, decided by a person. @returns what was asked. */
  decide(decision: 'approve' | 'deny', message?: string): Promise<Approval>;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'cs-cursor-'));
  const [home, project, gatewayHome] = ['dev', 'project', 'home'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [home, project, gatewayHome]) mkdirSync(folder, { mode: 0o700 });
  const gateway = await startTestService({ connections: [], home: gatewayHome });
  await setTestPin(gateway);
  const seen: string[] = [];
  return {
    gateway,
    home,
    project,
    gatewayHome,
    countersign: (...args) => runCountersign(gatewayHome, args, '', { ...process.env, HOME: home }),
    play: (conversationId, mode) => new CursorPlayer({ home, project, conversationId, ...(mode ? { mode } : {}) }),
    async decide(decision, message) {
      const held = await nextHeld(gateway.control, seen);
      seen.push(held.id);
      const { id, operation } = held;
      await gateway.control.call('decide', {
        id,
        digest: operation.digest,
        decision,
        ...(decision === 'approve' ? { pin: TEST_PIN } : {}),
        ...(message === undefined ? {} : { message }),
      });
      return held;
    },
    async stop() {
      await gateway.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
