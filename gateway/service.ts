import { hash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { createMonitor } from './alerts/monitor.ts';
import { tapRecorder } from './alerts/tap.ts';
import { type ApprovalEvent, createApprovals } from './approvals/approvals.ts';
import { createApprovedCommands } from './approvals/approved-commands.ts';
import { createGrantFile } from './approvals/grant-file.ts';
import { createPinGuard } from './approvals/pin-guard.ts';
import { controlSocketPath, homeFolder, typedCommand } from './cli/home.ts';
import { version } from './cli/version.ts';
import { createConnections } from './config/connections.ts';
import { readTerminalSettings } from './config/terminal-settings.ts';
import type { ConnectionInput } from './contract/connection.ts';
import { CountersignError } from './contract/errors.ts';
import type { GatewayStatus } from './contract/status.ts';
import { loggingChanges } from './control/changes.ts';
import { createDefaultHandlers } from './control/default-handlers.ts';
import { createControlServer } from './control/server.ts';
import { openDevice } from './evidence/device/device.ts';
import { createDeviceHandlers } from './evidence/device/handlers.ts';
import { deviceSurroundings, serviceReporter } from './evidence/device/surroundings.ts';
import { denyWaiting } from './halt/deny-waiting.ts';
import { haltApprovals, haltPipeline, haltRecorder } from './halt/enforce.ts';
import { createHalt } from './halt/halt.ts';
import { createHaltHandlers } from './halt/handlers.ts';
import { localIdentity } from './identity/local.ts';
import { createPeerLookup } from './identity/peer-process.ts';
import { createTokens } from './identity/tokens.ts';
import { createWorkloads } from './identity/workloads.ts';
import { openLogFile } from './log-file.ts';
import { createMaskingKeys } from './masking/keys.ts';
import { accessPipeline, accessTokens, endChangedAccess } from './pipeline/access.ts';
import { createPipeline } from './pipeline/pipeline.ts';
import type { Clock } from './pipeline/ports.ts';
import {
  createPolicyEngine,
  createPolicyHandlers,
  createPolicyTrials,
  rememberPrompts,
  shippedPolicy,
} from './policy/index.ts';
import { assertProtected } from './protect/assert-protected.ts';
import type { ProtectedLayout } from './protect/layout.ts';
import { createClassifier } from './protocols/postgres/classifier/index.ts';
import { testConnection } from './protocols/postgres/wire/probe.ts';
import { loadOrMakeCertificate } from './protocols/postgres/wire/self-signed.ts';
import { createCommandClassifier } from './protocols/terminal/classifier/index.ts';
import { createRecorder } from './recording/recorder.ts';
import { recoverRecordings } from './recording/recovery.ts';
import { createAboutHandlers } from './service/about.ts';
import { serviceAdministration } from './service/administration.ts';
import { serviceAgents } from './service/agents.ts';
import { choosePort } from './service/choose-port.ts';
import { serviceDesktop } from './service/desktop.ts';
import { serviceEmergency } from './service/emergency.ts';
import { limited } from './service/limited-policy.ts';
import { logGrant } from './service/log-grant.ts';
import { logHalt } from './service/log-halt.ts';
import { serviceMailbox } from './service/mailbox.ts';
import { serviceMcp } from './service/mcp.ts';
import { servicePasskeys } from './service/passkeys.ts';
import { servicePeople } from './service/people.ts';
import { servicePostgres } from './service/postgres.ts';
import { publishChanges } from './service/publish-changes.ts';
import { serviceRoles } from './service/roles.ts';
import { serviceSentinel } from './service/sentinel.ts';
import { signInRecorder } from './service/sign-in-recorder.ts';
import { countingSpending } from './service/spending.ts';
import { serviceTerminals } from './service/terminal.ts';
import { timers } from './service/timers.ts';
import { keepFirstTier } from './service/wasm-tiers.ts';
import { createSessionHandlers } from './sessions/handlers.ts';
import { createIndexer } from './sessions/indexer.ts';
import { createSessionRegistry } from './sessions/live-sessions.ts';
import { ulid } from './sessions/ulid.ts';
import { createWatchHandlers } from './siem/handlers.ts';
import { createSiem } from './siem/siem.ts';
import { createStore } from './store/store.ts';
import { createBudgetGate } from './sync/budget-gate.ts';
import { createSyncHandlers } from './sync/handlers.ts';
import { createServiceSync } from './sync/service-sync.ts';
import { createStoredCredentialHandlers } from './vault/stored-credentials.ts';
import { createVault } from './vault/vault.ts';

export interface ServiceOptions {
  /** Folder of the gateway's own, mode 0700; made when it is not there. */
  home: string;
  /** Default 7432; 0: any that is free. */
  postgresPort?: number | undefined;
  /** Default 7716; 0: any that is free. */
  controlPort?: number | undefined;
  /** Default 7717; 0: any that is free. */
  mcpPort?: number | undefined;
  /** What waits for a person is denied at the latest after this time, whatever the policy says. */
  expireAfterSeconds?: number | undefined;
  /** Where the built console lies; without it the control API serves a page that says so. */
  consoleFolder?: string | undefined;
  /** For a device key that is encrypted; null where nobody can be asked. */
  devicePassphrase?: (() => Promise<string | null>) | undefined;
  /** Protected mode. Never taken on trust: startService refuses where the machine is not set up so. */
  protected?: ProtectedLayout | undefined;
  /** Native notifications where this desktop has a service for them; default: none. */
  notifications?: boolean | undefined;
  /** An icon with a menu in the panel of a Linux desktop; default: none. */
  tray?: boolean | undefined;
  /** PostgreSQL clients: after how long without a word it is looked whether they are still there; default 60 s. */
  keepAliveMs?: number | undefined;
}

export interface Service {
  home: string;
  postgres: { host: string; port: number };
  control: { url: string; socketPath: string };
  /** Where MCP servers are reached over HTTP, at /mcp/NAME. */
  mcp: { host: string; port: number };
  /** Opens one console session; a fresh code each time it is read, for the terminal alone. */
  readonly loginCode: string;
  /** Registers or refreshes the quick start's connection; its password goes to the vault. */
  registerDemo(connection: ConnectionInput, secret: string): Promise<void>;
  /** Ends sessions, seals recordings, stops listening. */
  close(reason: string): Promise<void>;
}

const HOST = '127.0.0.1';
const DEFAULT_POSTGRES_PORT = 7432;
const DEFAULT_CONTROL_PORT = 7716;

/** Starts the gateway. Throws CountersignError with a sentence that says what to do. */
export async function startService(options: ServiceOptions): Promise<Service> {
  keepFirstTier();
  const { home } = options;
  const isolation = options.protected ? assertProtected(options.protected) : null;
  const protection = isolation ? 'protected' : 'unprotected';
  const clock: Clock = { now: () => Date.now() };
  const typed = (args: string) => typedCommand({ home: () => home, env: process.env }, args);
  const folder = (name: string) => {
    const path = join(home, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const logFile = openLogFile(join(home, 'gateway.log'));
  const log = pino({ name: 'countersign', level: 'info' }, logFile);
  const recordingsDir = folder('recordings');

  const recovered = await recoverRecordings(recordingsDir);
  for (const session of recovered.sessions) log.warn({ session: session.id }, session.sentence);
  for (const { folder: path, reason } of recovered.unreadable)
    log.error({ path, reason }, 'a recording could not be closed');

  const identity = localIdentity(isolation?.developers.join(' or '));
  const device = await openDevice(
    deviceSurroundings({
      home,
      protection,
      clock,
      account: identity.subject.replace(/^local:/, ''),
      passphrase: options.devicePassphrase ?? (() => Promise.resolve(null)),
    }),
  );
  const recorder = createRecorder({ dir: recordingsDir });
  const store = createStore({ file: join(home, 'index.db'), recordingsDir });
  const indexer = createIndexer(store, log);
  recorder.onSealed((id) => indexer.sealed(id));
  for (const session of recovered.sessions) indexer.sealed(session.id);

  const policy = await createPolicyEngine({ dir: folder('policy'), shipped: shippedPolicy(), now: clock.now });
  const trials = createPolicyTrials();
  const registry = createSessionRegistry();
  const connections = createConnections({ file: join(home, 'connections.json') });
  const vault = createVault({ dir: folder('vault'), protection });
  const pin = createPinGuard({ file: join(home, 'pin.json'), clock });
  const { every, schedule } = timers;
  const signedIn = await servicePeople({
    home,
    device,
    vault,
    clock,
    every,
    local: identity,
    tokens: () => tokens,
    approvals: () => approvals,
    registry,
    onConfigured: () => workloads.reset('the providers were configured anew'),
    onChanged: () => {
      groupsChanged();
      publishStatus();
    },
    onProblem: (sentence) => log.error(sentence),
  });
  const { people } = signedIn;
  const administration = serviceAdministration({
    home,
    now: clock.now,
    every,
    vault,
    device,
    policy,
    connections,
    tokens: { revokeConnection: (id, reason) => tokens.revokeConnection(id, reason) },
    onChanged() {
      emergency.fixedChanged();
      publishStatus();
    },
    onProblem: (sentence) => log.warn(sentence),
  });
  const roles = serviceRoles({
    home,
    people,
    device,
    store,
    registry,
    approvals: () => mail.desk,
    fixed() {
      const fixed = administration.fixed('roles');
      return fixed && { groups: fixed.value, by: fixed.by };
    },
    now: clock.now,
    onProblem: (sentence) => log.error(sentence),
  });
  const access = { connection: connections.get, person: () => people.current() };
  const groupsChanged = endChangedAccess({
    ...access,
    onConnection: connections.onChanged,
    connections: connections.list,
    sessions: registry.list,
    end: registry.kill,
  });
  const gate = createBudgetGate(recorder, (reason) => {
    for (const { id } of registry.list()) registry.kill(id, reason);
  });
  const sync = createServiceSync({
    home,
    recordingsDir,
    clock,
    every,
    vault,
    device,
    forget: (id) => store.removeSession(id),
    onBudget: (problem) => gate.set(problem),
    onProblem: (sentence) => log.error(sentence),
  });
  const reporter = serviceReporter({
    device,
    recorder,
    recordingsDir,
    clock,
    every,
    protection,
    person: () => people.current().display,
    policy,
    connections,
    settings: () => [sync.configuration, device.file.witnesses],
    files: [
      'siem.json',
      'alerts.json',
      'terminal.json',
      'providers.json',
      'mcp-servers.json',
      'passkeys.json',
      'roles.json',
      'mailbox.json',
      'emergency.json',
    ].map((name) => join(home, name)),
    queued: () => sync.queued,
    onProblem: (sentence) => log.error(sentence),
  });
  await reporter.started(recovered.sessions.map(({ folder: path }) => path));
  recorder.onSealed((id, closed) => sync.sealed(id, closed));
  await sync.start();
  const minted = createTokens({
    file: join(home, 'tokens.json'),
    clock,
    randomBytes,
    every,
    howTo: (id) => `get a new one with: ${typed(id.startsWith('mcp/') ? `mcp token ${id.slice(4)}` : `connect ${id}`)}`,
    onProblem: (sentence) => log.error(sentence),
  });
  const tokens = accessTokens(minted, access);
  const workloads = createWorkloads({
    providers: () => people.providers,
    tokens,
    clock,
    schedule,
  });
  const presence = servicePasskeys({
    home,
    clock,
    device,
    people,
    url: () => control.address?.url ?? null,
  });
  const tell = (event: ApprovalEvent) => {
    if (roles.mayHear(event)) control.publish(event);
    if (event.type === 'approval' && roles.mayHear(event)) notifications.approvalChanged(event.approval);
    publishStatus();
  };
  const mail = serviceMailbox({
    ...timers,
    home,
    device,
    clock,
    vault,
    people,
    approvals: () => approvals,
    changed: (approval) => tell({ type: 'approval', approval }),
    onNotice: ({ from, title, sentence }) => log.warn(`${title} (${from.name}): ${sentence}`),
    onProblem: (sentence) => log.warn(sentence),
  });
  const approvals = createApprovals({
    approvers: mail.approvers,
    clock,
    passkeyMissing: () => presence.passkeys.missing(),
    conversationOf: (id) => registry.get(id)?.conversationId ?? null,
    newId: () => ulid(clock.now(), randomBytes(10)),
    longestMs: options.expireAfterSeconds === undefined ? undefined : options.expireAfterSeconds * 1000,
    schedule,
    grantFile: createGrantFile({
      file: join(home, 'grants.json'),
      clock,
      policyHash: policy.hash,
      onProblem: (sentence) => log.error(sentence),
    }),
    onEvent: (event) => {
      tell(event);
      if (event.type === 'grant') logGrant(device.log, event.grant);
      else mail.mailbox.changed(event.approval);
    },
  });
  const halt = createHalt({
    file: join(home, 'halt.json'),
    clock,
    schedule,
    denyWaiting: (by, message) => denyWaiting(approvals, by, message),
    cut: (reason) => registry.killAll(reason),
    onChange: (view, by) => {
      logHalt(device.log, view, by);
      log.warn(view?.sentence ?? 'What was halted goes on.');
      publishStatus();
    },
    onProblem: (sentence) => log.error(sentence),
  });
  const emergency = serviceEmergency({
    home,
    clock,
    schedule,
    fixed() {
      const fixed = administration.fixed('emergency');
      return fixed && { settings: fixed.value, by: fixed.by };
    },
    log: device.log,
    identity: () => people.current(),
    protection,
    siem: () => siem,
    alerted(alert) {
      control.publish({ type: 'alert', alert });
      notifications.alertRaised(alert);
    },
    notify: (notice) =>
      void mail.mailbox
        .notify(null, notice)
        .catch((error: unknown) => log.warn({ err: error }, 'approvers were not told')),
    onChange: () => publishStatus(),
    onProblem: (sentence) => log.error(sentence),
  });
  const decides = emergency.pipeline(
    haltPipeline(
      createPipeline({
        policy: signedIn.guard(limited(policy, options.expireAfterSeconds)),
        approvals: haltApprovals(approvals, halt),
      }),
      halt,
    ),
  );
  const prompts = rememberPrompts(accessPipeline(decides), clock);
  const { pipeline } = prompts;
  const siem = createSiem({
    home,
    vault,
    version: version(),
    identity,
    protection,
    now: clock.now,
    random: Math.random,
    schedule,
    log: (level, sentence) => log[level](sentence),
  });
  const monitor = createMonitor({
    home,
    siem,
    device: () => (device.status().org === null ? null : device.status().id),
    sessionOf: (id) => registry.get(id),
    publish: (alert) => {
      if (roles.mayHear({ type: 'alert', alert })) control.publish({ type: 'alert', alert });
      notifications.alertRaised(alert);
    },
    now: clock.now,
    protection,
    // What the log does not take is said by its problem, and stops everything.
    logged: (entry) => void device.log.append(entry).catch(() => {}),
    endSession: (id, reason) => registry.kill(id, reason),
    onProblem: (sentence) => log.warn(sentence),
  });
  policy.onChanged(() => {
    approvals.policyChanged(policy.hash);
    publishStatus();
  });
  const classifier = await createClassifier({
    sha256: (text) => hash('sha256', text),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
  });
  const maskingKey = createMaskingKeys(join(home, 'masking.key'));
  const peer = createPeerLookup();
  const clientProcess = ({ address, port }: { address: string; port: number }, localPort: number) =>
    peer({ localPort, remotePort: port, remoteAddress: address });

  const spending = countingSpending(monitor.tap, approvals);
  const recordings = signInRecorder(haltRecorder(tapRecorder(gate, spending), halt), (subject) =>
    people.evidence(subject),
  );
  const postgres = await servicePostgres(
    {
      connections,
      tokens,
      workloads,
      vault,
      policy,
      pipeline,
      approvals,
      classifier,
      recorder: recordings,
      live: registry,
      clock,
      newSessionId: () => ulid(clock.now(), randomBytes(10)),
      maskingKey,
      clientProcess,
      protection,
      refused: (reason) => monitor.refused(reason),
      heldBecause: (id) => monitor.heldBecause(id),
      log,
    },
    {
      host: HOST,
      port: await choosePort(HOST, options.postgresPort, DEFAULT_POSTGRES_PORT),
      tls: await loadOrMakeCertificate(folder('tls'), clock.now()),
      keepAliveMs: options.keepAliveMs,
    },
  );

  const status = (): GatewayStatus => ({
    version: version(),
    protection,
    recorder: { ok: gate.failure === null, error: gate.failure, bytes: 0 },
    policy: { hash: policy.hash, staged: policy.view().staged?.hash ?? null, error: policy.error },
    pinSet: pin.isSet,
    waiting: approvals.waiting + mail.mailbox.inbox.waiting().length,
    openSessions: registry.list().length,
    postgres: postgres.address,
    identity: people.refusal() ?? people.current().display,
    device: device.status(),
    notifications: notifications.status,
    halt: halt.view,
    administration: administration.view().problem,
    emergency: emergency.active,
    pauses: approvals.paused().map(({ sessionId, until }) => ({ sessionId, until: new Date(until).toISOString() })),
  });
  const publishStatus = () => {
    control.publish({ type: 'status', status: status() });
    tray.changed();
  };

  const commands = await createCommandClassifier();
  const approved = createApprovedCommands({ clock, randomBytes });
  const terminals = serviceTerminals({
    classifier: commands,
    pipeline,
    approvals,
    approved,
    recorder: recordings,
    registry,
    connections,
    tokens,
    postgres: () => postgres.address,
    identity: signedIn.admit,
    clock,
    newSessionId: () => ulid(clock.now(), randomBytes(10)),
    environment: () => readTerminalSettings(join(home, 'terminal.json'), (sentence) => log.error(sentence)).environment,
    protection,
    log,
  });

  const mcp = await serviceMcp({
    home,
    port: options.mcpPort,
    vault,
    tokens,
    registry,
    pipeline,
    approvals,
    recorder: recordings,
    clock,
    newSessionId: () => ulid(clock.now(), randomBytes(10)),
    identity: signedIn.admit,
    maskingKey: (server) => maskingKey(`mcp/${server}`),
    heldBecause: (id) => monitor.heldBecause(id),
    clientProcess,
    refused: (reason) => monitor.refused(reason),
    every,
    protection,
    log,
  });

  const agents = serviceAgents({
    classifier: commands,
    pipeline,
    approvals,
    approved,
    recorder: recordings,
    live: registry,
    clock,
    newSessionId: () => ulid(clock.now(), randomBytes(10)),
    identity: () => people.current(),
    protection,
    keeping: () => sync.keeping,
    // What the log does not take is said by its problem, and stops everything.
    withheld: (entry) => void device.log.append({ type: 'omitted', ...entry }).catch(() => {}),
    heldBecause: (id) => monitor.heldBecause(id),
    home: isolation ? null : home,
    usualHome: isolation !== null || home === homeFolder(undefined, { ...process.env, COUNTERSIGN_HOME: undefined }),
    isMcpServer: mcp.isRegistered,
    undoDir: folder('undo'),
    log,
  });

  const sentinel = serviceSentinel({
    connections,
    mcpUrls: () => mcp.urls(),
    isMcpServer: mcp.isRegistered,
    registry,
    isProtected: isolation !== null,
    home,
    usualHome: home === homeFolder(undefined, { ...process.env, COUNTERSIGN_HOME: undefined }),
    // What the log does not take is said by its problem, and stops everything.
    append: (entry) => void device.log.append(entry).catch(() => {}),
    warn: (sentence) => log.warn(sentence),
  });

  const control = createControlServer({
    upgrades: [terminals.upgrade, mcp.upgrade],
    assertMay: roles.assertMay,
    handlers: loggingChanges(
      administration.locking(
        roles.scoped({
          ...mail.handlers,
          ...createDefaultHandlers({
            approvals: mail.queue,
            connections,
            vault,
            tokens,
            identity: signedIn.admit,
            postgres: () => postgres.address,
            openSessions: (id) => registry.countOf(id),
            pausesChanged: publishStatus,
          }),
          ...createSessionHandlers({ store, registry, recordingsDir, readers: roles.readers, now: clock.now }),
          ...agents.handlers,
          ...sentinel.handlers,
          ...mcp.handlers,
          ...createStoredCredentialHandlers({
            file: join(home, 'stored-credentials.json'),
            vault,
            now: clock.now,
          }),
          ...signedIn.handlers,
          ...roles.handlers,
          ...presence.handlers,
          ...createHaltHandlers(halt),
          ...emergency.handlers,
          ...administration.handlers,
          holdTray: ({ held }) => {
            tray.hold(held);
            return {};
          },
          ...createAboutHandlers({
            home,
            recordingsDir,
            options,
            startedAt: clock.now(),
            socket: () => control.address?.socketPath ?? '',
            typed,
          }),
          ...createSyncHandlers(sync),
          ...createWatchHandlers(monitor, siem),
          status,
          ...createDeviceHandlers(device),
          testConnection: async ({ id }) => {
            const connection = connections.get(id);
            if (!connection) throw new CountersignError('CONNECTION_UNKNOWN', `there is no connection "${id}"`);
            return testConnection(connection, await vault.read(id));
          },
          ...createPolicyHandlers({
            policy,
            trials,
            connections,
            identity: () => people.current(),
            past: prompts.past,
            now: clock.now,
          }),
        }),
      ),
      reporter.change,
    ),
    pin,
    passkeys: presence.passkeys,
    clock,
    get person() {
      return people.current().display;
    },
    consoleDir: options.consoleFolder ?? join(home, 'no-console'),
    socketGroup: isolation?.clientsGroup,
    onPinSet: async () => {
      await reporter.change('the PIN', people.current().display, async () => publishStatus());
    },
    unexpected: (error) => log.error({ err: error }, 'the control API made a mistake'),
  });
  const { notifications, tray } = serviceDesktop({
    options,
    protection,
    now: clock.now,
    schedule,
    status,
    approvals: { list: mail.desk.list, get: mail.desk.get, decide: roles.decide },
    halt,
    person: () => people.current().display,
    consoleUrl: () => control.address?.url ?? '',
    onStatus: publishStatus,
    log: (level, sentence) => log[level](sentence),
  });
  registry.onChange((session) => {
    if (roles.mayHear({ type: 'session', session })) control.publish({ type: 'session', session });
    tray.sessionChanged(session);
  });
  publishChanges(
    every,
    () => (control.listeners === 0 ? Promise.resolve(null) : sync.status()),
    (status) => status !== null && control.publish({ type: 'sync', sync: status }),
  );
  await mail.mailbox.start();
  emergency.start();
  await administration.start();
  void administration.refresh();
  await control.listen({
    host: HOST,
    port: await choosePort(HOST, options.controlPort, DEFAULT_CONTROL_PORT),
    socketPath: options.protected?.socket ?? controlSocketPath(home),
    rootSocketPath: options.protected?.rootSocket,
  });
  const { url, socketPath } = control.address!;

  return {
    home,
    postgres: postgres.address,
    mcp: mcp.address,
    control: { url, socketPath: socketPath! },
    get loginCode() {
      return control.newLoginCode();
    },
    async registerDemo(connection, secret) {
      await reporter.change(`connection ${connection.id}`, 'the quick start', async () => {
        const { id } = connections.put(connection);
        await vault.write(id, secret);
      });
    },
    async close(reason) {
      signedIn.close();
      sentinel.close();
      approvals.close();
      await mail.mailbox.close();
      halt.close();
      emergency.close();
      notifications.close();
      tray.close();
      await agents.close(reason);
      await terminals.close(reason);
      await mcp.close(reason);
      await postgres.close(reason);
      monitor.close();
      await siem.close();
      await control.close();
      await recorder.close();
      await sync.quiesce();
      await reporter.stopped(reason);
      await sync.close();
      await device.close();
      await indexer.close();
      await store.close();
      await classifier.close();
      await trials.close();
      tokens.close();
      logFile.close();
    },
  };
}
