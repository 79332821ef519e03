import { assertNever } from '../../contract/errors.ts';
import type { StoreTarget } from '../ports.ts';
import type { TargetConfig } from './config.ts';
import { openFolderTarget } from './folder.ts';
import { openS3Target } from './s3.ts';
import { secretsOf } from './secrets.ts';
import { openSftpTarget } from './sftp.ts';

/**
 * The store that a configuration names. Nothing is connected before the first call, and secrets are read from the
 * vault when a connection is made.
 */
export function openTarget(config: TargetConfig, vault: { read(id: string): Promise<string | null> }): StoreTarget {
  switch (config.kind) {
    case 'folder':
      return openFolderTarget(config);
    case 'sftp':
      return openSftpTarget(config, secretsOf(vault));
    case 's3':
      return openS3Target(config, secretsOf(vault));
    default:
      return assertNever(config);
  }
}
