import { assertNever } from '../contract/errors.ts';
import type { TargetConfig } from './targets/config.ts';

/** For people: kind, host, folder or bucket; never a secret. */
export function describe(target: TargetConfig): string {
  switch (target.kind) {
    case 'folder':
      return `folder ${target.path}`;
    case 'sftp':
      return `sftp ${target.user}@${target.host}:${target.port} ${target.path}`;
    case 's3':
      return `s3 ${target.endpoint} ${target.bucket}`;
  }
}

/** Under which ids the vault keeps what the store's login takes. */
export function secretIds(target: TargetConfig): string[] {
  const ids = (() => {
    switch (target.kind) {
      case 'folder':
        return [];
      case 'sftp':
        switch (target.auth.method) {
          case 'key':
            return [target.auth.key, target.auth.passphrase];
          case 'key-file':
            return [target.auth.passphrase];
          case 'password':
            return [target.auth.password];
          case 'agent':
            return [];
          default:
            return assertNever(target.auth);
        }
      case 's3':
        return [target.secretAccessKey, target.sessionToken];
      default:
        return assertNever(target);
    }
  })();
  return ids.filter((id) => id !== undefined);
}
