import { afterAll, expect, test } from 'vitest';
import { Connection } from '../../contract/connection.ts';
import { shippedPolicy } from '../index.ts';
import { createPolicyTrials } from './trials.ts';

const trials = createPolicyTrials();
afterAll(() => trials.close());

const ada = { subject: 'ada', display: 'Ada', kind: 'local' as const, verified: false, groups: [] };
const shop = Connection.parse({
  id: 'shop',
  kind: 'postgres',
  host: 'h',
  user: 'app',
  database: 'shop',
  columns: [{ table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS' }],
});
const statement = (text: string, policy = shippedPolicy()) =>
  trials.try(policy, { kind: 'statement', text }, ada, shop);
const command = (text: string, policy = shippedPolicy()) =>
  trials.try(policy, { kind: 'command', text, cwd: '/shop/app' }, ada, shop);

test('a text is looked at: each policy in words, or what is wrong and where', async () => {
  const { errors, policies } = await trials.check(shippedPolicy());
  expect(errors).toEqual([]);
  expect(policies).toContainEqual({
    id: 'no-drop-database',
    line: expect.any(Number),
    sentence: expect.stringContaining('always denies'),
  });
  const wrong = await trials.check('@id("a")\npermit(principal,, resource);');
  expect(wrong.policies).toEqual([]);
  expect(wrong.errors).toEqual([{ line: 2, column: 18, message: expect.any(String) }]);
  expect(wrong.hash).toMatch(/^[0-9a-f]{64}$/);
});

test('a statement is tried with the columns that are tagged, and says what is left out', async () => {
  expect(await statement('SELECT id FROM orders')).toMatchObject({ class: 'read', verdict: { effect: 'allow' } });
  const asked = await statement("SELECT * FROM customers WHERE email = 'x'");
  expect(asked.verdict).toMatchObject({ effect: 'ask', level: 'click', policyIds: ['tagged-filters-ask'] });
  expect(asked.notes.join()).toContain('views');
  expect((await statement('DROP DATABASE shop')).verdict).toMatchObject({
    effect: 'deny',
    policyIds: ['no-drop-database'],
  });
});

test('the text that is tried decides, not the one in force', async () => {
  const own =
    '@id("nothing-but-sessions")\npermit(principal, action == Action::"run", resource) when { context.class == "session" };';
  expect((await statement('SELECT 1', own)).verdict).toMatchObject({ effect: 'deny' });
  await expect(statement('SELECT 1', 'permitt')).rejects.toMatchObject({ code: 'POLICY_INVALID' });
});

test('a command is tried as an agent’s, in a directory', async () => {
  expect((await command('ls -l')).verdict.effect).toBe('allow');
  const removed = await command('rm -rf /srv/data');
  expect(removed).toMatchObject({ class: 'destructive', verdict: { effect: 'ask' } });
  expect(removed.flags).toContain('outside-workspace');
  expect((await command('rm -rf build')).flags).not.toContain('outside-workspace');
});

test('more than a few texts at once are refused, and the others are answered', async () => {
  const answers = await Promise.allSettled(Array.from({ length: 12 }, () => trials.check(shippedPolicy())));
  const refused = answers.filter((one) => one.status === 'rejected');
  expect(refused).toHaveLength(4);
  for (const one of refused) expect(one.reason).toMatchObject({ code: 'POLICY_BUSY' });
});

test('what kills Cedar is an error, and the next text is looked at again', async () => {
  const nested = `permit(principal, action, resource) when { ${'('.repeat(300)}true${')'.repeat(300)} };`;
  expect((await trials.check(nested)).errors).toHaveLength(1);
  expect((await trials.check(shippedPolicy())).errors).toEqual([]);
});
