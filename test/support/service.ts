import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONSOLE_FOLDER } from '../../gateway/cli/console-build.ts';
import type { ConnectionInput } from '../../gateway/contract/connection.ts';
import { type ControlClient, createControlClient } from '../../gateway/control/client.ts';
import { PolicyFiles } from '../../gateway/policy/policy-files.ts';
import { type Service, type ServiceOptions, startService } from '../../gateway/service.ts';
import type { TestPostgres } from './postgres.ts';

/** For tests of the wire rather than of the policy: every statement runs, and tagged columns stay masked. */
export const RUN_ALL = '@id("all")\npermit (principal, action == Action::"run", resource);\n';
/** Every statement runs, and tagged columns are shown in plain: only what detectors find is masked. */
export const ALLOW_ALL = '@id("all")\npermit (principal, action, resource);\n';

export interface TestService {
  service: Service;
  control: ControlClient;
  /** A fresh token for a connection; `env` is the environment of a libpq client. */
  connect(connectionId?: string): Promise<{ token: string; env: NodeJS.ProcessEnv }>;
  /** Ends it and removes its home. */
  stop(): Promise<void>;
}

/** A gateway inside this process, with a home and ports of its own. */
export async function startTestService(options: {
  connections: readonly (ConnectionInput & { secret: string })[];
  /** The policy in force; default: the shipped one. */
  policy?: string;
  expireAfterSeconds?: number;
  home?: string;
  notifications?: boolean;
  tray?: boolean;
  keepAliveMs?: number;
  /** Serves the built console. */
  console?: boolean;
  devicePassphrase?: () => Promise<string | null>;
}): Promise<TestService> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'cs-service-'));
  if (options.policy !== undefined) {
    const hash = createHash('sha256').update(options.policy).digest('hex');
    new PolicyFiles(join(home, 'policy')).writeActive(options.policy, hash);
  }
  const start: ServiceOptions = {
    home,
    postgresPort: 0,
    controlPort: 0,
    expireAfterSeconds: options.expireAfterSeconds,
    notifications: options.notifications,
    tray: options.tray,
    keepAliveMs: options.keepAliveMs,
    devicePassphrase: options.devicePassphrase,
    consoleFolder: options.console ? CONSOLE_FOLDER : undefined,
  };
  const service = await startService(start);
  for (const { secret, ...connection } of options.connections) await service.registerDemo(connection, secret);
  const control = createControlClient({ socketPath: service.control.socketPath });
  return {
    service,
    control,
    async connect(connectionId = options.connections[0]?.id ?? '') {
      const { token, env } = await control.call('mintToken', { id: connectionId });
      return { token, env: { ...process.env, ...env } };
    },
    async stop() {
      await service.close('the test is over');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A connection to a test server as its superuser. */
export function superuserConnection(
  postgres: TestPostgres,
  more: Partial<ConnectionInput> = {},
): ConnectionInput & { secret: string } {
  return {
    id: 'demo',
    kind: 'postgres',
    host: postgres.host,
    port: postgres.port,
    user: postgres.user,
    database: 'postgres',
    databases: ['*'],
    tls: { mode: 'disable' },
    environment: 'development',
    ...more,
    secret: postgres.password,
  };
}
