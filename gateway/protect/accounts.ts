import { spawnSync } from 'node:child_process';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

/** From the name service, so accounts of a directory count too. */
function entry(database: 'passwd' | 'group', key: string): string[] | null {
  const run = spawnSync('getent', [database, key], { encoding: 'utf8', timeout: 20_000 });
  return run.status === 0 ? (run.stdout.split('\n')[0] ?? '').split(':') : null;
}

/** @param key a name or a number. */
export function accountOf(key: string): Account | null {
  const fields = entry('passwd', key);
  if (fields === null) return null;
  const [name = '', , uid, gid, , home = '', shell = ''] = fields;
  return { name, uid: Number(uid), gid: Number(gid), home, shell };
}

/** `members` are those that the group names; who has it as the primary group is not among them. */
export function groupOf(key: string): { gid: number; members: string[] } | null {
  const fields = entry('group', key);
  if (fields === null) return null;
  return { gid: Number(fields[2]), members: (fields[3] ?? '').split(',').filter((name) => name !== '') };
}

/** All groups of an account, by name. */
export function groupsOf(account: string): string[] {
  const run = spawnSync('id', ['-Gn', account], { encoding: 'utf8', timeout: 20_000 });
  return run.status === 0 ? run.stdout.trim().split(/\s+/) : [];
}
