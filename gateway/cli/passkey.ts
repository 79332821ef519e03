import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { PasskeyView } from '../contract/passkey.ts';
import { type Cli, table } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';

const STANDINGS: Readonly<Record<PasskeyView['standing'], string>> = {
  listed: 'in the trust note',
  local: 'on this machine',
  unlisted: 'not in the trust note yet',
};

async function list(cli: Cli): Promise<void> {
  const { items, missing } = await cli.control().call('passkeys', {});
  if (items.length > 0) {
    const rows = items.map(({ name, person, standing, createdAt }) => [
      visibleLine(name),
      visibleLine(person),
      STANDINGS[standing],
      createdAt,
    ]);
    for (const line of table([['NAME', 'PERSON', 'STANDING', 'ADDED'], ...rows])) cli.out(line);
  }
  if (missing !== null) cli.note(`What needs a passkey is refused: ${missing}.`);
}

/** Throws PASSKEY_UNKNOWN. */
async function show(cli: Cli, name: string | undefined): Promise<void> {
  const { items } = await cli.control().call('passkeys', {});
  const found = name === undefined ? items : items.filter((one) => one.name === name);
  const [passkey] = found;
  if (passkey === undefined || found.length > 1) {
    const names = items.map((one) => visibleLine(one.name)).join(', ');
    throw new CountersignError(
      'PASSKEY_UNKNOWN',
      items.length === 0
        ? 'there is no passkey; add one in the console’s settings'
        : `say which passkey, by a name that only one has: ${names}`,
    );
  }
  const { credentialId, publicKey, algorithm, rpId, person } = passkey;
  cli.out(JSON.stringify({ credentialId, publicKey, algorithm, rpId }, null, 2));
  cli.note(`To list it: countersign trust passkey add ${visibleLine(person)} FILE, with this in FILE.`);
}

export function registerPasskey(program: Command, cli: Cli): void {
  const passkey = program.command('passkey').description('what you approve with where policy asks for a passkey');
  passkey
    .command('list')
    .description('yours; they are added and removed in the console')
    .action(() => list(cli));
  passkey
    .command('export [name]')
    .description('its public key, for the organisation’s trust note')
    .action((name: string | undefined) => show(cli, name));
}
