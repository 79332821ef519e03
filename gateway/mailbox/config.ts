import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { secretIds } from '../sync/target-words.ts';
import { TargetConfig } from '../sync/targets/config.ts';

/** `<home>/mailbox.json`. Another place than evidence goes to, or other credentials: this one is read and written. */
const MailboxConfig = z.strictObject({ version: z.literal(1), target: TargetConfig.nullable() });

const SECRET_PREFIX = 'store/mailbox-';

/** Throws CONFIG_BROKEN. */
export function readMailboxConfig(file: string): TargetConfig | null {
  const text = readFileIfThere(file);
  if (text === null) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  return parsed(MailboxConfig, json, file).target;
}

export function writeMailboxConfig(file: string, target: TargetConfig | null): void {
  writeFileAtomic(file, `${JSON.stringify({ version: 1, target }, null, 2)}\n`);
}

/**
 * A target that a person gave, with secrets of the mailbox's own: another store must not be handed those of evidence.
 * Throws CONFIG_BROKEN, SYNC_SECRET_REQUIRED.
 */
export function givenTarget(
  json: unknown,
  secrets: Readonly<Record<string, string>>,
  before: TargetConfig | null,
): TargetConfig {
  const target = parsed(TargetConfig, json, 'the mailbox');
  const named = secretIds(target);
  const unchanged = JSON.stringify(target) === JSON.stringify(before);
  for (const id of named) {
    if (!id.startsWith(SECRET_PREFIX))
      throw new CountersignError('CONFIG_BROKEN', `The mailbox’s secrets have ids that begin with ${SECRET_PREFIX}.`);
    if (secrets[id] === undefined && !unchanged)
      throw new CountersignError('SYNC_SECRET_REQUIRED', `This is another mailbox, so ${id} has to be entered again.`);
  }
  for (const id of Object.keys(secrets))
    if (!named.includes(id)) throw new CountersignError('CONFIG_BROKEN', `The configuration names no secret ${id}.`);
  return target;
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const issue = error.issues[0];
  throw new CountersignError('CONFIG_BROKEN', `${where}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}.`);
}
