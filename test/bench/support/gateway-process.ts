import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayOrder, GatewayReady } from '../gateway.ts';
import { startDetached } from './processes.ts';

export interface GatewayProcess extends GatewayReady {
  pid: number;
  /** Folder of the recordings; still there after end(). */
  recordings: string;
  /** Seals everything and ends the process. */
  end(): Promise<void>;
  remove(): void;
}

export async function startGateway(
  databasePort: number,
  options: { recorded: boolean; nodeArgs?: readonly string[] },
): Promise<GatewayProcess> {
  const home = mkdtempSync(join(tmpdir(), 'cs-bench-gateway-'));
  const file = fileURLToPath(new URL('../gateway.ts', import.meta.url));
  const child = startDetached(process.execPath, [...(options.nodeArgs ?? []), file], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`the gateway ended (${code})`))),
  );
  ended.catch(() => {});
  const told = new Promise<GatewayReady>((resolve) => child.once('message', (ready) => resolve(ready as GatewayReady)));
  child.send({ databasePort, home, recorded: options.recorded } satisfies GatewayOrder);
  const ready = await Promise.race([told, ended]);
  return {
    ...ready,
    pid: child.pid!,
    recordings: join(home, 'recordings'),
    async end() {
      if (child.connected) child.send('end');
      await ended.catch(() => {});
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
