import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ACCESS_LEVELS, Connection } from '../contract/connection.ts';
import type { Identity } from '../contract/identity.ts';
import { accessTokens, endChangedAccess, levelOf } from './access.ts';
import type { AgentSession, CredentialCheck, Tokens } from './ports.ts';

const person = (...groups: string[]): Identity => ({
  subject: 'acme:ada',
  display: 'Ada',
  kind: 'oidc',
  verified: true,
  groups,
});
const connection = (access?: Connection['access']) =>
  Connection.parse({ id: 'demo', kind: 'postgres', host: 'db', user: 'u', database: 'd', ...(access && { access }) });
const session = (identity: Identity): AgentSession => ({
  id: 'a',
  identity,
  connectionId: 'demo',
  purpose: '',
  conversationId: null,
});

it('is the highest level of the groups, and none where there is none', () => {
  const group = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__');
  fc.assert(
    fc.property(
      fc.dictionary(group, fc.constantFrom(...ACCESS_LEVELS), { noNullPrototype: true }),
      fc.array(group),
      (access, groups) => {
        const ranks = groups.flatMap((one) =>
          Object.hasOwn(access, one) ? [ACCESS_LEVELS.indexOf(access[one]!)] : [],
        );
        const highest = ranks.length === 0 ? null : ACCESS_LEVELS[Math.max(...ranks)]!;
        expect(levelOf({ access }, groups)).toBe(highest);
      },
    ),
  );
  expect(levelOf(connection(), [])).toBe('admin');
});

it('counts the groups that the provider named last, not those of when the token was made', () => {
  let now = person('readers');
  const mine = session(now);
  const found: CredentialCheck = { ok: true, session: mine };
  const all: Tokens & { mint(input: { identity: Identity; connectionId: string }): unknown } = {
    verify: () => found,
    scramCandidates: () => [{ session: mine, salt: S, iterations: 1, storedKey: S, serverKey: S }],
    touch: () => {},
    onEnded: () => () => {},
    mint: () => ({}),
  };
  const tokens = accessTokens(all, { connection: () => connection({ readers: 'read-only' }), person: () => now });
  expect(tokens.verify('t', 'demo')).toMatchObject({ ok: true });
  expect(tokens.scramCandidates('demo')).toHaveLength(1);
  now = person('others');
  expect(tokens.verify('t', 'demo')).toEqual({
    ok: false,
    reason: 'Ada has no access to demo: it is for the groups readers',
  });
  expect(tokens.scramCandidates('demo')).toEqual([]);
  expect(() => tokens.mint({ identity: now, connectionId: 'demo' })).toThrow('has no access');
  now = person('readers', 'others');
  expect(tokens.verify('t', 'demo')).toMatchObject({ session: { identity: { groups: ['readers', 'others'] } } });
});
const S = new Uint8Array(1);

it('ends sessions of a person whose groups are others, and of a connection whose levels are', () => {
  let now = person('readers');
  const ended: string[] = [];
  let changed: (id: string, after: Connection | null) => void = () => {};
  const sessions = [
    { id: 'own', connectionId: 'demo', identity: now },
    { id: 'service', connectionId: 'other', identity: { ...now, kind: 'workload' as const } },
  ];
  const look = endChangedAccess({
    connection: () => null,
    person: () => now,
    onConnection: (listener) => {
      changed = listener;
    },
    connections: () => [connection({ readers: 'read-only' })],
    sessions: () => sessions,
    end: (id) => ended.push(id),
  });
  look();
  now = person('readers');
  look();
  changed('demo', connection({ readers: 'read-only' }));
  expect(ended).toEqual([]);
  now = person('others');
  look();
  expect(ended).toEqual(['own']);
  changed('demo', connection({ readers: 'admin' }));
  changed('demo', connection({ readers: 'admin' }));
  expect(ended).toEqual(['own', 'own']);
});
