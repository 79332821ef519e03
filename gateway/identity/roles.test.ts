import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RouteName, routes } from '../contract/api.ts';
import type { Identity } from '../contract/identity.ts';
import type { RoleGroups } from '../contract/roles.ts';
import { PRESENCE } from '../control/presence.ts';
import { localIdentity } from './local.ts';
import { createRoles, type Roles } from './roles.ts';

let home: string;
let person: Identity;
let refusal: string | null;
let providers: boolean;
let problems: string[];
let roles: Roles;

const GROUPS: RoleGroups = { developer: ['devs'], approver: ['leads'], auditor: ['audit'], admin: ['ops'] };
const ada = (...groups: string[]): Identity => ({
  subject: 'acme:ada',
  display: 'ada@acme.example',
  kind: 'oidc',
  verified: true,
  groups,
});

const open = () => {
  roles = createRoles({
    file: join(home, 'roles.json'),
    person: () => person,
    refusal: () => refusal,
    hasProviders: () => providers,
    fixed: () => null,
    onProblem: (sentence) => problems.push(sentence),
  });
};
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cs-roles-'));
  [person, refusal, providers, problems] = [localIdentity('ada'), null, false, []];
  open();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Routes that whoever has these groups may call. */
const may = (...groups: string[]): RouteName[] => {
  person = ada(...groups);
  return (Object.keys(routes) as RouteName[]).filter((name) => {
    try {
      roles.assertMay(name, 'approve');
      return true;
    } catch {
      return false;
    }
  });
};

describe('without groups', () => {
  it('the account of the machine has every role, and it is said why', () => {
    expect(roles.view()).toMatchObject({ roles: ['developer', 'approver', 'auditor', 'admin'], groups: null });
    expect(roles.view().sentence).toContain('unverified: local account ada has every role on this machine');
    expect(may()).toHaveLength(Object.keys(routes).length);
  });

  it('whoever signs in has every role too', () => {
    [providers, person] = [true, ada('devs')];
    expect(roles.view()).toMatchObject({ roles: ['developer', 'approver', 'auditor', 'admin'] });
    expect(roles.view().sentence).toContain('no groups were named');
  });
});

describe('with groups', () => {
  beforeEach(() => {
    [providers, person] = [true, ada('ops')];
    roles.put(GROUPS);
  });

  it('nobody but an admin reaches what changes the configuration', () => {
    const changes: RouteName[] = ['putConnection', 'deleteConnection', 'acceptPolicy', 'putProvider', 'putRoles'];
    for (const groups of [['devs'], ['leads'], ['audit'], ['devs', 'leads', 'audit'], [], ['Ops']])
      expect(may(...groups)).not.toEqual(expect.arrayContaining([expect.toBeOneOf(changes)]));
    expect(may('ops')).toEqual(expect.arrayContaining(changes));
  });

  it('what gives leave takes a role, whatever the route is', () => {
    // A console in which nothing may be done is none of these.
    const open = may().filter((name) => name !== 'newLoginCode');
    for (const name of open) expect(PRESENCE[name], name).not.toMatch(/^(widen|decide)$/);
  });

  it('only developers get tokens, only approvers approve, only readers read', () => {
    expect(may('devs')).toEqual(expect.arrayContaining(['mintToken', 'sessions']));
    expect(may('devs')).not.toContain('decide');
    expect(may('leads')).toContain('decide');
    expect(may('leads')).not.toEqual(expect.arrayContaining([expect.toBeOneOf(['sessions', 'mintToken'])]));
    expect(may('audit')).toContain('result');
    expect(may('audit')).not.toEqual(expect.arrayContaining([expect.toBeOneOf(['decide', 'mintToken'])]));
    expect(may('ops')).not.toEqual(expect.arrayContaining([expect.toBeOneOf(['sessions', 'search', 'decide'])]));
  });

  it('a developer may deny, and see their own alone', () => {
    person = ada('devs');
    expect(() => roles.assertMay('decide', 'deny')).not.toThrow();
    expect(() => roles.assertMay('decide', 'approve')).toThrow('the role approver');
    expect([roles.onlySubject, roles.mayRead('acme:ada'), roles.mayRead('acme:bob')]).toEqual([
      'acme:ada',
      true,
      false,
    ]);
    person = ada('audit');
    expect([roles.onlySubject, roles.mayRead('acme:bob')]).toEqual([null, true]);
  });

  it('a refusal says who one is and which groups give the role', () => {
    person = ada('devs');
    expect(() => roles.assertMay('putConnection')).toThrow(
      'This takes the role admin, and ada@acme.example is developer here; ask for one of the groups that give it (ops), then sign in again.',
    );
    expect(() => roles.assertMay('decide', 'approve')).toThrow('(leads)');
  });

  it('nobody has a role while nobody may act', () => {
    refusal = 'nobody is signed in; sign in with: countersign login';
    expect(roles.view().roles).toEqual([]);
    expect(() => roles.assertMay('putConnection')).toThrow('countersign login');
    expect(() => roles.assertMay('signIn')).not.toThrow();
  });

  it('nobody locks themselves out', () => {
    expect(() => roles.put({ ...GROUPS, admin: ['others'] })).toThrow('Yours are: ops');
    expect(roles.view().groups).toEqual(GROUPS);
  });

  it('a restart keeps them; a file that cannot be read gives nobody a role', () => {
    open();
    expect(roles.view().groups).toEqual(GROUPS);
    writeFileSync(join(home, 'roles.json'), '{"admin": []}');
    open();
    expect(roles.view().roles).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(() => roles.assertMay('sessions')).toThrow('cannot be read');
    [providers, person] = [false, localIdentity('ada')];
    expect(roles.has('admin')).toBe(false);
  });
});
