import { createHash } from 'node:crypto';
import { replaceSettings } from '../agents/install/files.ts';
import { CountersignError } from '../contract/errors.ts';
import { StoredKind } from '../contract/stored-credential.ts';
import { KINDS, readBytes } from '../vault/adopt/find-stored.ts';
import { type StoredFile, type StoredSecret, withoutSecrets } from '../vault/adopt/stored.ts';
import type { Cli } from './cli.ts';
import { oneLine } from './visible-text.ts';

const ORDER = StoredKind.options;

/** The kinds that `--also` names. Throws USAGE. */
export function parseKinds(text: string | undefined): StoredKind[] {
  const names = (text ?? '').split(',').filter((name) => name !== '');
  return names.map((name) => {
    const kind = StoredKind.safeParse(name);
    if (kind.success) return kind.data;
    throw new CountersignError('USAGE', `--also takes ${ORDER.join(', ')}, separated by commas; ${name} is none`);
  });
}

const ofKind = (files: readonly StoredFile[], kind: StoredKind) =>
  files.flatMap(({ file, secrets }) => secrets.filter((one) => one.kind === kind).map((one) => ({ file, one })));

/** Says what is there, and of the kinds that are not moved why not. */
export function listStored(cli: Cli, files: readonly StoredFile[], also: readonly StoredKind[]): void {
  for (const { file, secrets, left } of files) {
    for (const { line, title } of secrets) cli.out(`${oneLine(file, 200)}, line ${line}: ${oneLine(title, 200)}`);
    for (const { line, why } of left)
      cli.note(`${oneLine(file, 200)}, line ${line} stays as it is: ${oneLine(why, 200)}`);
  }
  const kinds = ORDER.filter((kind) => ofKind(files, kind).length > 0 && !also.includes(kind));
  if (kinds.length === 0) return;
  const names = kinds.map((kind) => KINDS[kind].name).join(', ');
  cli.note(
    `An agent could take credentials of ${names} from these files. The gateway does not speak these protocols yet, so they stay where they are; --also ${kinds.join(',')} moves them into the vault, where nothing uses them until it does.`,
  );
}

/** Asks for each kind, with what stops working. @returns the kinds that a person wants moved. */
export async function confirmKinds(
  cli: Cli,
  files: readonly StoredFile[],
  also: readonly StoredKind[],
): Promise<Set<StoredKind>> {
  const wanted = new Set<StoredKind>();
  for (const kind of ORDER.filter((one) => also.includes(one))) {
    const found = ofKind(files, kind);
    if (found.length === 0) continue;
    const { name, stops } = KINDS[kind];
    cli.out(`${name}: ${found.length} of these credentials would go into the vault and out of their files.`);
    cli.out(`  Until the gateway speaks ${name}, ${stops}.`);
    const answer = await cli.prompt.line(`Move the credentials of ${name}? (yes or no): `, cli.signal);
    if (answer.trim().toLowerCase() === 'yes') wanted.add(kind);
    else cli.note(`The credentials of ${name} stay as they are.`);
  }
  return wanted;
}

/** Only what goes, so that files without any are left alone. */
export const chosenOf = (files: readonly StoredFile[], wanted: ReadonlySet<StoredKind>): StoredFile[] =>
  files
    .map((file) => ({ ...file, secrets: file.secrets.filter(({ kind }) => wanted.has(kind)) }))
    .filter(({ secrets }) => secrets.length > 0);

/**
 * Each secret is in the vault before its file is written anew, and under the same name when that is done again: a
 * run that was cut off is finished by another one. @returns what has to be rotated.
 */
export async function moveStored(cli: Cli, { file, text, secrets }: StoredFile, pin: string): Promise<string[]> {
  for (const [i, one] of secrets.entries()) {
    await cli.control().call('storeCredential', {
      id: idOf(file, one, i),
      credential: { kind: one.kind, title: oneLine(one.title, 280), file },
      values: { ...one.values },
      pin,
    });
  }
  if (readBytes(file) !== text) {
    cli.note(`${oneLine(file, 200)} was changed meanwhile and stays as it is; run this again.`);
    cli.exitWith(1);
    return [];
  }
  replaceSettings(file, Buffer.from(withoutSecrets(text, secrets), 'latin1'), 0o600);
  cli.out(`Changed ${oneLine(file, 200)}`);
  return secrets.map(({ title, kind }) => `${KINDS[kind].name}: ${title}`);
}

/** The same secret of the same file has the same name at each run; two that are called alike are told apart. */
function idOf(file: string, { kind, title }: StoredSecret, index: number): string {
  const place = JSON.stringify([file, title, index]);
  return `${kind}-${createHash('sha256').update(place).digest('hex').slice(0, 16)}`;
}
