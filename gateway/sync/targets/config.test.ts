import { describe, expect, it } from 'vitest';
import { TargetConfig } from './config.ts';
import { secretsOf } from './secrets.ts';

const sftp = {
  kind: 'sftp',
  host: 'store.example',
  user: 'laptop',
  hostKeys: [`SHA256:${'A'.repeat(43)}`],
  auth: { method: 'agent' },
};
const s3 = {
  kind: 's3',
  endpoint: 'https://s3.example',
  bucket: 'evidence',
  accessKeyId: 'key',
  secretAccessKey: 'store/s3',
};

describe('the configuration of a store', () => {
  it('fills in what is usual', () => {
    expect(TargetConfig.parse(sftp)).toMatchObject({ port: 22, path: '.' });
    expect(TargetConfig.parse(s3)).toMatchObject({ region: 'us-east-1', pathStyle: true });
    expect(TargetConfig.parse({ ...s3, endpoint: 'http://127.0.0.1:7480' })).toMatchObject({ kind: 's3' });
  });

  it.each([
    ['a path that depends on where the gateway was started', { kind: 'folder', path: 'evidence' }],
    ['a line end in a path', { kind: 'folder', path: '/mnt/a\nb' }],
    ['no host key', { ...sftp, hostKeys: [] }],
    ['a password in the file', { ...sftp, auth: { method: 'password', password: 'hunter2' } }],
    ['the secret of a connection', { ...s3, secretAccessKey: 'production' }],
    ['a secret in the file', { ...s3, secret: 'x' }],
    ['http over a network', { ...s3, endpoint: 'http://s3.example' }],
    ['credentials in the address', { ...s3, endpoint: 'https://a:b@s3.example' }],
    ['a bucket that leads elsewhere', { ...s3, bucket: '../x' }],
    ['a prefix that leads elsewhere', { ...s3, prefix: '../x' }],
    ['a lock without an end', { ...s3, lock: { mode: 'COMPLIANCE', days: 0 } }],
    ['another kind', { kind: 'ftp' }],
  ])('refuses %s', (_, config) => {
    expect(TargetConfig.safeParse(config).success).toBe(false);
  });

  it('says which secret the vault does not have', async () => {
    const secrets = secretsOf({ read: async (id) => (id === 'store/a' ? 'secret' : null) });
    expect(await secrets('store/a')).toBe('secret');
    await expect(secrets('store/b')).rejects.toThrow('The vault has no secret store/b');
  });
});
