import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Effects, OperationClass } from '../contract/operation.ts';
import type { ActionInput, PolicyEngine } from '../pipeline/ports.ts';
import { createPolicyEngine, shippedPolicy } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'cs-shipped-'));
let policy: PolicyEngine;
beforeAll(async () => {
  policy = await createPolicyEngine({ dir, shipped: shippedPolicy(), now: Date.now });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const identity = { subject: 'local:ada', display: 'ada', kind: 'local', verified: false, groups: [] } as const;
const effects = (kind: OperationClass, flags: string[]): Effects => ({
  class: kind,
  ops: [],
  flags,
  reads: [],
  writes: [],
  filtersOn: [],
  functions: [],
  words: [],
  fingerprint: '',
  shape: '',
});
const work = { agent: 'cursor', model: 'm', workspace: '/shop' };
const shell = (kind: OperationClass, flags: string[] = [], secrets: string[] = []): ActionInput => ({
  action: 'shell',
  identity: { ...identity, groups: [] },
  effects: effects(kind, kind === 'read' ? flags : [kind, ...flags]),
  secrets,
  ...work,
  cwd: '/shop',
  programs: [],
  reads: [],
  writes: [],
  removes: [],
  hosts: [],
});
const file = (
  action: 'readFile' | 'writeFile' | 'deleteFile',
  more: { flags?: string[]; secrets?: string[]; inWorkspace?: boolean } = {},
): ActionInput => ({
  action,
  identity: { ...identity, groups: [] },
  effects: effects('write', more.flags ?? []),
  secrets: more.secrets ?? [],
  ...work,
  path: '/shop/a.ts',
  inWorkspace: more.inWorkspace ?? true,
});
const tool = (flags: string[] = []): ActionInput => ({
  action: 'callTool',
  identity: { ...identity, groups: [] },
  effects: effects('unknown', flags),
  secrets: [],
  agent: 'cursor',
  server: 'tickets',
  tool: 'search',
  arguments: ['query=late invoices'],
  readOnly: true,
  destructive: false,
});
const prompt = (secrets: string[] = []): ActionInput => ({
  action: 'sendPrompt',
  identity: { ...identity, groups: [] },
  effects: effects('read', []),
  secrets,
  ...work,
});

describe('the shipped policy on what agents do themselves', () => {
  it.each<[string, ActionInput, string]>([
    ['a command that reads', shell('read'), 'allow'],
    ['a command that writes in the workspace', shell('write'), 'allow'],
    ['a command that writes elsewhere', shell('write', ['outside-workspace']), 'ask click, grantable'],
    ['a command that reaches another machine', shell('network'), 'ask click, grantable'],
    ['a command that runs scripts', shell('execute'), 'ask click, grantable'],
    ['a command that cannot be understood', shell('unknown'), 'ask click, grantable'],
    ['a command that destroys', shell('destructive'), 'ask pin'],
    ['a destructive command that also reaches out', shell('destructive', ['network']), 'ask pin'],
    ['a command that raises privilege', shell('privilege'), 'ask pin'],
    ['a command that changes the system', shell('write', ['system-file']), 'ask pin'],
    ['a command that is run at the next login', shell('write', ['start-file']), 'ask pin'],
    ['a command that is run later', shell('execute', ['schedule']), 'ask pin'],
    ['a command that reads keys', shell('secret-read'), 'ask pin'],
    ['a command that holds a secret', shell('read', [], ['JWT']), 'ask click'],
    ['a command that changes the guard', shell('privilege', ['guard']), 'deny'],
    ['a file that is read', file('readFile'), 'allow'],
    ['a file with secrets that is read', file('readFile', { flags: ['secret-read'] }), 'ask pin'],
    ['a file that was found to hold a secret', file('readFile', { secrets: ['JWT'] }), 'ask click'],
    ['a file that is changed', file('writeFile'), 'allow'],
    ['a file elsewhere that is changed', file('writeFile', { inWorkspace: false }), 'ask click, grantable'],
    ['a file that gets a secret', file('writeFile', { secrets: ['PRIVATE_KEY'] }), 'ask click'],
    ['a file of the guard that is changed', file('writeFile', { flags: ['guard'] }), 'deny'],
    ['a file that is deleted', file('deleteFile'), 'ask click'],
    ['a file of the guard that is deleted', file('deleteFile', { flags: ['guard'] }), 'deny'],
    ['a call of a tool', tool(), 'ask click, grantable'],
    ['a call of a tool that is described otherwise', tool(['description-changed']), 'ask pin'],
    ['a prompt', prompt(), 'allow'],
    ['a prompt with a secret', prompt(['CONNECTION_STRING']), 'ask click'],
  ])('%s', (_, input, expected) => {
    const { effect, level, grantable, reason } = policy.decideAction(input);
    expect(effect === 'ask' ? `ask ${level}${grantable ? ', grantable' : ''}` : effect, reason).toBe(expected);
  });

  it('never throws on what is not well-formed', () => {
    const odd = { ...prompt(['\ud800']), workspace: '\udfff\0', model: '\ud800' } as ActionInput;
    const verdict = policy.decideAction(odd);
    expect(verdict.effect).toBe('ask');
  });
});
