import type { z } from 'zod';
import type { RouteName, Routes } from '../contract/api.ts';
import type { CallContext, ControlHandlers, OwnRoute } from './handlers.ts';
import type { PRESENCE } from './presence.ts';

/** Routes that do more than look. */
type Acting = {
  [N in Exclude<RouteName, OwnRoute>]: (typeof PRESENCE)[N] extends 'read' ? never : N;
}[Exclude<RouteName, OwnRoute>];

/**
 * What a call changes of the gateway's configuration, in words for the device's log. null: it changes none, or what
 * it does has an entry of its own (sessions, grants, policies, holds, deletions, halts). Every route that acts is
 * here, so that a new one cannot be forgotten: this does not compile without it.
 */
export const CHANGES: { [N in Acting]: null | ((input: z.output<Routes[N]['input']>) => string | null) } = {
  holdTray: null,
  enrolDevice: ({ root }) => (root === undefined ? null : 'the organisation that the device asks'),
  rotateDeviceKey: null,
  putDeviceWitness: ({ vkey }) => `witness ${vkey.split('+')[0]}`,
  removeDeviceWitness: ({ name }) => `witness ${name.split('+')[0]}, removed`,
  decide: null,
  beginPasskey: null,
  finishPasskey: ({ credentialId }) => `passkey ${credentialId.slice(0, 24)}`,
  removePasskey: ({ credentialId }) => `passkey ${credentialId.slice(0, 24)}, removed`,
  passkeyRequest: null,
  extendApproval: null,
  endPause: null,
  revokeGrant: null,
  revokeGrants: null,
  pauseAll: null,
  panic: null,
  resumeAll: null,
  refreshAdministration: null,
  beginEmergency: null,
  endEmergency: null,
  putEmergency: () => 'whether there may be emergency access',
  setUpMailbox: () => 'the mailbox of approvers',
  makeApproverKey: ({ name }) => `the approver’s key ${name}`,
  killSession: null,
  putConnection: ({ id, secret }) => `connection ${id}${secret === undefined ? '' : ' and its password'}`,
  deleteConnection: ({ id }) => `connection ${id}, removed`,
  testConnection: null,
  mintToken: null,
  hook: null,
  hookFiles: null,
  hookPreview: null,
  undoContents: ({ id, exchange }) => `undo of ${exchange} in session ${id}, whose contents were handed out`,
  storeCredential: () => 'a stored credential',
  forgetStoredCredential: () => 'a stored credential, removed',
  putMcpServer: ({ name, secrets }) => `MCP server ${name}${secrets === undefined ? '' : ' and its secrets'}`,
  deleteMcpServer: ({ name }) => `MCP server ${name}, removed`,
  testMcpServer: null,
  acceptMcpTools: ({ name, tool }) => `${tool === undefined ? 'the tools' : `the tool ${tool}`} of MCP server ${name}`,
  signInMcpServer: ({ name }) => `the sign-in to MCP server ${name}`,
  signOutMcpServer: ({ name }) => `the sign-in to MCP server ${name}, removed`,
  mintMcpToken: null,
  revokeToken: null,
  putProvider: ({ provider, secret }) =>
    `identity provider ${provider.id}${secret === undefined ? '' : ' and its secret'}`,
  deleteProvider: ({ id }) => `identity provider ${id}, removed`,
  signIn: null,
  signOut: null,
  putRoles: () => 'which groups give which role',
  stagePolicy: null,
  acceptPolicy: null,
  discardPolicy: null,
  syncNow: null,
  pauseSync: () => 'sync, paused',
  resumeSync: () => 'sync, resumed',
  probeSync: null,
  setUpSync: () => 'sync and what is kept',
  removeRecording: null,
  setHold: null,
  liftHold: null,
  resumeSession: ({ id }) => `session ${id}, which an alert had paused`,
  putSiem: ({ id, secret }) => `SIEM ${id}${secret === undefined ? '' : ' and its secret'}`,
  deleteSiem: ({ id }) => `SIEM ${id}, removed`,
  testSiem: null,
};

/** Does the work, and says in the device's log what of the configuration it changed and who did it. */
export type LogChange = <T>(what: string, by: string, work: () => Promise<T>) => Promise<T>;

type AnyHandler = (input: object, context: CallContext) => unknown;

/** Handlers whose changes are in the device's log before they are answered. */
export function loggingChanges(handlers: ControlHandlers, log: LogChange): ControlHandlers {
  const words = Object.entries(CHANGES) as [Acting, ((input: object) => string | null) | null][];
  const logged = words.flatMap(([name, wordsOf]) => {
    if (wordsOf === null) return [];
    const handler = handlers[name] as AnyHandler;
    const logging: AnyHandler = (input, context) => {
      const what = wordsOf(input);
      return what === null
        ? handler(input, context)
        : log(what, context.decidedBy, async () => handler(input, context));
    };
    return [[name, logging]];
  });
  return { ...handlers, ...Object.fromEntries(logged) };
}
