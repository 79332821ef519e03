import { expect, test } from 'vitest';
import { childEnvironment, isCredential } from './environment.ts';

test.each([
  'AWS_SECRET_ACCESS_KEY',
  'AWS_PROFILE',
  'GITHUB_TOKEN',
  'NPM_TOKEN',
  'npm_config_auth',
  'PGPASSWORD',
  'PGHOST',
  'PGSERVICE',
  'DATABASE_URL',
  'STAGING_DATABASE_URL',
  'OPENAI_API_KEY',
  'STRIPE_SECRET_KEY',
  'SMTP_PASS',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'VAULT_TOKEN',
  'SSH_AUTH_SOCK',
  'KUBECONFIG',
])('%s may let somebody in', (name) => {
  expect(isCredential(name, 'value')).toBe(true);
});

test.each([
  'PATH',
  'HOME',
  'PWD',
  'OLDPWD',
  'TERM',
  'LANG',
  'EDITOR',
  'KEYBOARD',
  'PGDATA',
  'PG_MAJOR',
  'NODE_PATH',
  'COUNTERSIGN_HOME',
  'AUTHOR',
])('%s does not', (name) => {
  expect(isCredential(name, '/a:/b')).toBe(false);
});

test('a password in an address is one, whatever its variable is called', () => {
  expect(isCredential('SERVICE', 'https://me:pw@host/')).toBe(true);
  expect(isCredential('SERVICE', 'https://host/?at=me:pw@x')).toBe(false);
});

test('the gateway’s variables win, and nothing of one’s own is left beside them', () => {
  const own = {
    PATH: '/bin',
    PGHOST: 'prod',
    PGPASSWORD: 'own',
    MY_TOKEN: 't',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'a.b',
  };
  const given = { PGHOST: '127.0.0.1', PGPASSWORD: 'gateway' };
  expect(childEnvironment(own, 'keep', given)).toEqual({ ...own, ...given });
  const clean = childEnvironment(own, 'clean', given);
  expect(clean).toMatchObject({ PATH: '/bin', PGHOST: '127.0.0.1', PGPASSWORD: 'gateway', KUBECONFIG: '/dev/null' });
  expect(clean).toMatchObject({
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'a.b',
    GIT_CONFIG_KEY_1: 'credential.helper',
  });
  expect(clean.GIT_CONFIG_VALUE_1).toBe('');
  expect(clean).not.toHaveProperty('MY_TOKEN');
});
