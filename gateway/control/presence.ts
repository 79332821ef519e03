import type { PinGuard } from '../approvals/pin-guard.ts';
import type { RouteName } from '../contract/api.ts';
import { CountersignError } from '../contract/errors.ts';
import type { PasskeyAssertion } from '../contract/passkey.ts';
import type { Passkeys } from '../identity/passkeys/passkeys.ts';
import type { CallContext } from './handlers.ts';

/**
 * What a call does to what the agent may do.
 * read: looks. narrow: takes leave away, or prepares what takes effect elsewhere. agent: what lets an
 * agent work within the policy. widen: gives leave, so it takes a person: the PIN, always.
 * decide: gives leave when it approves. own: the server checks it in its own way.
 */
export type RoutePresence = 'read' | 'narrow' | 'agent' | 'widen' | 'decide' | 'own';

/** Every route is here, so that a new one cannot be forgotten: this does not compile without it. */
export const PRESENCE = {
  host: 'read',
  login: 'own',
  logout: 'narrow',
  newLoginCode: 'widen',
  status: 'read',
  device: 'read',
  about: 'read',
  agents: 'read',
  holdTray: 'narrow',
  enrolDevice: 'widen',
  rotateDeviceKey: 'widen',
  putDeviceWitness: 'widen',
  removeDeviceWitness: 'widen',
  approvals: 'read',
  approval: 'read',
  decide: 'decide',
  passkeyRequest: 'agent',
  extendApproval: 'agent',
  similarApprovals: 'read',
  endPause: 'decide',
  grants: 'read',
  revokeGrant: 'narrow',
  revokeGrants: 'narrow',
  pauseAll: 'narrow',
  panic: 'narrow',
  resumeAll: 'widen',
  administration: 'read',
  // What it may find is signed.
  refreshAdministration: 'narrow',
  emergency: 'read',
  beginEmergency: 'widen',
  endEmergency: 'narrow',
  putEmergency: 'widen',
  mailbox: 'read',
  setUpMailbox: 'widen',
  makeApproverKey: 'widen',
  sessions: 'read',
  session: 'read',
  statements: 'read',
  result: 'read',
  exchange: 'read',
  terminal: 'read',
  verifySession: 'read',
  killSession: 'narrow',
  search: 'read',
  insights: 'read',
  insightShapes: 'read',
  summary: 'read',
  connections: 'read',
  putConnection: 'widen',
  deleteConnection: 'widen',
  testConnection: 'agent',
  mintToken: 'agent',
  hook: 'agent',
  hookFiles: 'agent',
  hookPreview: 'agent',
  undoPlan: 'read',
  sentinel: 'read',
  undoContents: 'widen',
  storedCredentials: 'read',
  storeCredential: 'widen',
  forgetStoredCredential: 'widen',
  mcpServers: 'read',
  putMcpServer: 'widen',
  deleteMcpServer: 'widen',
  mcpTools: 'read',
  testMcpServer: 'agent',
  acceptMcpTools: 'widen',
  signInMcpServer: 'widen',
  mcpSignInState: 'read',
  signOutMcpServer: 'narrow',
  mintMcpToken: 'agent',
  revokeToken: 'narrow',
  passkeys: 'read',
  beginPasskey: 'widen',
  finishPasskey: 'own',
  removePasskey: 'widen',
  identity: 'read',
  putProvider: 'widen',
  deleteProvider: 'widen',
  providerMetadata: 'read',
  signIn: 'agent',
  signInState: 'read',
  signOut: 'narrow',
  roles: 'read',
  putRoles: 'widen',
  policy: 'read',
  stagePolicy: 'narrow',
  acceptPolicy: 'widen',
  discardPolicy: 'narrow',
  checkPolicy: 'read',
  tryPolicy: 'read',
  policySuggestions: 'read',
  policyHistory: 'read',
  policyVersion: 'read',
  syncStatus: 'read',
  syncNow: 'narrow',
  pauseSync: 'widen',
  resumeSync: 'narrow',
  probeSync: 'agent',
  setUpSync: 'widen',
  retentionPlan: 'read',
  removeRecording: 'widen',
  holds: 'read',
  setHold: 'narrow',
  liftHold: 'widen',
  alerts: 'read',
  alertRules: 'read',
  resumeSession: 'widen',
  siemStatus: 'read',
  putSiem: 'widen',
  deleteSiem: 'widen',
  testSiem: 'agent',
  setPin: 'own',
} as const satisfies Record<RouteName, RoutePresence>;

interface PresenceInput {
  id?: string;
  digest?: string;
  decision?: string;
  pin?: string | undefined;
  passkey?: PasskeyAssertion | undefined;
}

/**
 * Establishes what the caller proves. A right PIN in the input raises the level; a wrong one is an
 * error even where none was needed. Rejects PIN_REQUIRED and what PinGuard.verify and Passkeys.prove reject.
 *
 * A click counts in the console only: every process of the same user can open the socket, so what
 * widens there takes the PIN whatever the policy asks for. A passkey approves one operation, and nothing else.
 */
export async function provePresence(
  name: RouteName,
  input: PresenceInput,
  channel: CallContext['channel'],
  { pin, passkeys }: { pin: PinGuard; passkeys: Pick<Passkeys, 'prove'> },
): Promise<Pick<CallContext, 'level' | 'proof'>> {
  const presence: RoutePresence = PRESENCE[name];
  const approves = presence === 'decide' && input.decision !== 'deny';
  const needsPin = presence === 'widen' || (approves && channel === 'terminal');
  if (presence !== 'widen' && presence !== 'decide') return { level: 'click' };
  if (
    approves &&
    channel === 'console' &&
    input.passkey !== undefined &&
    input.id !== undefined &&
    input.digest !== undefined
  ) {
    return { level: 'passkey', proof: await passkeys.prove(input.id, input.digest, input.passkey) };
  }
  if (input.pin !== undefined) {
    await pin.verify(input.pin);
    return { level: 'pin' };
  }
  if (!needsPin) return { level: 'click' };
  if (!pin.isSet) {
    throw new CountersignError(
      'PIN_NOT_SET',
      'This takes the PIN, and none is set: set one in the console, or with: countersign pin set',
    );
  }
  throw new CountersignError('PIN_REQUIRED', 'This takes the PIN.');
}
