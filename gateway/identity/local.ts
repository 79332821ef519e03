import { userInfo } from 'node:os';
import type { Identity } from '../contract/identity.ts';

/**
 * The person, as long as there is no identity provider: the account of the operating system that the
 * gateway runs under (or, in protected mode, the account it was set up for). Nobody has verified it.
 */
export function localIdentity(account?: string): Identity {
  const name = account ?? accountName();
  return {
    subject: `local:${name}`.slice(0, 256),
    display: `unverified: local account ${name}`.slice(0, 256),
    kind: 'local',
    verified: false,
    groups: [],
  };
}

/** Containers run under numbers that have no name: then the number is the name. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
