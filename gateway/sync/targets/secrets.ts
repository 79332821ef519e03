import { refused } from './failures.ts';

/** A secret of the vault by its id, at the moment it is needed. Throws SYNC_REFUSED where there is none. */
export type Secrets = (id: string) => Promise<string>;

export function secretsOf(vault: { read(id: string): Promise<string | null> }): Secrets {
  return async (id) => {
    const secret = await vault.read(id);
    if (secret === null) throw refused(`The vault has no secret ${id}; enter it again.`);
    return secret;
  };
}
