import { X509Certificate } from 'node:crypto';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { TrustNote } from '../evidence/format/documents.ts';
import { findEntry, type RevocableList } from '../evidence/trust/changes.ts';
import type { Cli } from './cli.ts';
import {
  deviceKeyArguments,
  type RevokeOptions,
  readJson,
  readText,
  revocation,
  validFor,
  vkeyArgument,
} from './trust-arguments.ts';
import { makeNext, type NextOptions, withNextOptions } from './trust-next.ts';
import { wholeNumber } from './whole-number.ts';

type AddOptions = NextOptions & { days: string };

/** `<kind> add …`: the entry is made by `change`, and everything around it is the same for each kind. */
export function addCommand(
  kind: Command,
  cli: Cli,
  name: string,
  about: string,
  required: readonly (readonly string[])[] = [],
  optional: readonly (readonly string[])[] = [],
) {
  const command = withNextOptions(kind.command(name).description(about)).option(
    '--days <days>',
    'how long it counts',
    '730',
  );
  for (const [flags, text] of required) command.requiredOption(flags!, text);
  for (const [flags, text] of optional) command.option(flags!, text);
  return <O extends AddOptions>(change: (note: TrustNote, now: string, args: string[], options: O) => void) =>
    command.action((...all: unknown[]) => {
      const given = all.at(-2) as O;
      const args = all.slice(0, -2).map(String);
      return makeNext(cli, given, (note, now) => change(note, now, args, given));
    });
}

/** Options of every command that takes something back. */
export const withRevokeOptions = (command: Command): Command =>
  withNextOptions(command)
    .requiredOption('--reason <text>', 'why, for whoever reads it in years')
    .option('--at <time>', 'since when nothing it signs counts (default: now; earlier when it was stolen earlier)');

export function revokeCommand(kind: Command, cli: Cli, list: RevocableList, called: string): void {
  withRevokeOptions(
    kind
      .command(`revoke <${called}>`)
      .description('take it back: what it signed before stays, what it signs later does not count'),
  ).action((which: string, options: NextOptions & RevokeOptions) =>
    makeNext(cli, options, (note, now) => {
      findEntry(note, list, which).revoked = revocation(options, now);
    }),
  );
}

export function registerKeys(trust: Command, cli: Cli, authority: Command): void {
  addCommand(
    authority,
    cli,
    'add <vkey>',
    'let a key (or the file that holds it) enrol devices',
  )((note, now, [key], { days }) => {
    note.authorities.push({ ...validFor(now, days), vkey: vkeyArgument(key!) });
  });
  revokeCommand(authority, cli, 'authorities', 'name');

  const admin = trust.command('admin').description('who signs the settings of all gateways (countersign admin sign)');
  addCommand(
    admin,
    cli,
    'add <vkey>',
    'let a key (or the file that holds it) sign them',
  )((note, now, [key], { days }) => {
    note.admins = [...(note.admins ?? []), { ...validFor(now, days), vkey: vkeyArgument(key!) }];
  });
  revokeCommand(admin, cli, 'admins', 'name');

  const witness = trust.command('witness').description('who cosigns the heads of devices’ logs');
  addCommand(
    witness,
    cli,
    'add <vkey>',
    'count the cosignatures of a key (or the file that holds it)',
  )((note, now, [key], { days }) => {
    note.witnesses.push({ ...validFor(now, days), vkey: vkeyArgument(key!) });
  });
  revokeCommand(witness, cli, 'witnesses', 'name');
  withNextOptions(
    trust.command('quorum <witnesses>').description('how many witnesses have to have cosigned a head'),
  ).action((count: string, options: NextOptions) =>
    makeNext(cli, options, (note) => {
      note.quorum = wholeNumber(count, 'the quorum', 0, 100);
    }),
  );
}

export function registerReaders(trust: Command, cli: Cli): void {
  const auditor = trust.command('auditor').description('to whom evidence is encrypted, and who may verify it');
  addCommand(auditor, cli, 'add <name>', 'encrypt to this recipient', [
    ['--role <role>', 'auditor, or reader'],
    ['--recipient <age1…>', 'the age recipient that audit init printed'],
  ])<AddOptions & { role: 'auditor' | 'reader'; recipient: string; vkey?: string }>((note, now, [name], options) => {
    // Whoever only reads has no log of their own to sign.
    const { days, role, recipient, vkey } = options;
    const key = vkey === undefined ? null : vkeyArgument(vkey);
    note.auditors.push({ ...validFor(now, days), name: name!, role, recipient, vkey: key });
  }).option('--vkey <vkey>', 'the key that signs the auditor’s own log, or the file that holds it');
  revokeCommand(auditor, cli, 'auditors', 'name');

  const passkey = trust.command('passkey').description('with what people approve');
  addCommand(
    passkey,
    cli,
    'add <person> <file>',
    'from a JSON file with credentialId, publicKey, algorithm and rpId',
  )((note, now, [person, file], { days }) => {
    const { credentialId, publicKey, algorithm, rpId } = readJson(file!) as TrustNote['passkeys'][0];
    note.passkeys.push({ ...validFor(now, days), person: person!, credentialId, publicKey, algorithm, rpId });
  });
  revokeCommand(passkey, cli, 'passkeys', 'credential');

  const approver = trust.command('approver').description('who approves what other people’s agents ask for');
  addCommand(
    approver,
    cli,
    'add <person> <file>',
    'count the decisions of a key, from what “countersign mailbox key” printed on the approver’s machine',
    [['--group <group...>', 'that policies ask for (@approvers)']],
  )<AddOptions & { group: string[] }>((note, now, [person, file], { days, group }) => {
    const { vkey, recipient } = readJson(file!) as { vkey: string; recipient: string };
    const entry = { ...validFor(now, days), person: person!, groups: [...new Set(group)], vkey, recipient };
    note.approvers = [...(note.approvers ?? []), entry];
  });
  revokeCommand(approver, cli, 'approvers', 'person');
}

export function registerRest(trust: Command, cli: Cli): void {
  const tsa = trust.command('tsa').description('who timestamps heads (RFC 3161)');
  addCommand(
    tsa,
    cli,
    'add <name>',
    'believe the times of an authority',
    [
      ['--url <url>', 'where it answers'],
      ['--certificate <file>', 'PEM of its certificate or its CA’s'],
    ],
    [CA],
  )<AddOptions & { url: string; certificate: string; ca?: string }>(
    (note, now, [name], { days, url, certificate, ca }) => {
      note.tsas.push({
        ...validFor(now, days),
        name: name!,
        url,
        certificate: certificateOf(certificate),
        ...caOf(ca),
      });
    },
  );
  withNextOptions(
    tsa.command('move <name>').description('it answers at another address, or by another TLS certificate'),
  )
    .option('--url <url>', 'where it answers')
    .option(CA[0], CA[1])
    .action((name: string, options: NextOptions & { url?: string; ca?: string }) =>
      makeNext(cli, options, (note) => {
        const entry = note.tsas.findLast((one) => one.name === name && one.revoked === null);
        if (entry === undefined) throw new CountersignError('TRUST_NONE', `no authority is called ${name}`);
        Object.assign(entry, options.url === undefined ? {} : { url: options.url }, caOf(options.ca));
      }),
    );
  revokeCommand(tsa, cli, 'tsas', 'name');

  const policy = trust.command('policy').description('which policy sets devices should run (none named: any)');
  addCommand(
    policy,
    cli,
    'add <hash>',
    'name a set by its hash (countersign policy show)',
  )((note, now, [hash], { days }) => {
    note.policies.push({ ...validFor(now, days), hash: hash! });
  });
  revokeCommand(policy, cli, 'policies', 'hash');

  const device = trust.command('device').description('keys of devices that were lost');
  withRevokeOptions(
    device
      .command('revoke <device> <keys...>')
      .description('take a device’s keys back (its ULID, and its keys or the files of its identity folder)'),
  ).action((id: string, vkeys: string[], options: NextOptions & RevokeOptions) =>
    makeNext(cli, options, (note, now) => {
      const revoked = new Set(note.devices.map(({ vkey }) => vkey));
      const keys = deviceKeyArguments(vkeys);
      const left = keys.filter((vkey) => !revoked.has(vkey));
      if (left.length === 0) throw new CountersignError('TRUST_NONE', 'these keys are revoked already');
      for (const vkey of left) note.devices.push({ device: id, vkey, revoked: revocation(options, now) });
    }),
  );

  withNextOptions(
    trust.command('sync').description('what leaves the devices: sync, local (kept there) or omit (not recorded)'),
  )
    .option('--prompts <rule>', 'what people and agents say to each other')
    .option('--thoughts <rule>', 'what models think')
    .option('--files <rule>', 'contents of files')
    .action((options: NextOptions & Partial<TrustNote['sync']>) =>
      makeNext(cli, options, (note) => {
        for (const what of ['prompts', 'thoughts', 'files'] as const)
          note.sync[what] = options[what] ?? note.sync[what];
      }),
    );
}

const CA = [
  '--ca <file>',
  'PEM of who signs the certificate of its web server, where the system does not know that',
] as const;

/** One certificate or several, while one is being replaced. Throws USAGE. */
function caOf(file: string | undefined): { ca?: string } {
  if (file === undefined) return {};
  const pem = readText(file).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (pem.length > 0) return { ca: pem.map((one) => new X509Certificate(one).toString()).join('') };
  } catch {
    // Told below.
  }
  throw new CountersignError('USAGE', `${file} has no certificates in PEM`);
}

/** Throws USAGE for what is not a certificate: a wrong one would show only when the first timestamp is judged. */
function certificateOf(file: string): string {
  const pem = readText(file);
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw new CountersignError('USAGE', `${file} is not a certificate in PEM`);
  }
}
