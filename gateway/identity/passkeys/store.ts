import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../../config/atomic-file.ts';
import { CountersignError } from '../../contract/errors.ts';
import { Passkey } from '../../contract/passkey.ts';

const MAX_PASSKEYS = 64;
const PasskeysFile = z.strictObject({ version: z.literal(1), passkeys: z.array(Passkey).max(MAX_PASSKEYS) });

export interface PasskeyStore {
  list(): readonly Passkey[];
  /** On disk before it returns. Throws CONFIG_CHANGED, CONFIG_FULL. */
  add(passkey: Passkey): void;
  /** Throws CONFIG_CHANGED, PASSKEY_UNKNOWN. */
  remove(credentialId: string): void;
}

/** The passkeys made on this machine, in `<home>/passkeys.json`: public keys, read once and never overwritten unseen. Throws CONFIG_BROKEN. */
export function createPasskeyStore(file: string): PasskeyStore {
  let text = readFileIfThere(file);
  let passkeys = text === null ? [] : parse(file, text);

  function save(next: Passkey[]): void {
    if (readFileIfThere(file) !== text) {
      throw new CountersignError(
        'CONFIG_CHANGED',
        `${file} was changed outside of Countersign; nothing was written. Restart the gateway to take those changes, or undo them.`,
      );
    }
    const written = `${JSON.stringify({ version: 1, passkeys: next }, null, 2)}\n`;
    writeFileAtomic(file, written);
    text = written;
    passkeys = next;
  }

  return {
    list: () => passkeys,
    add(passkey) {
      if (passkeys.length >= MAX_PASSKEYS)
        throw new CountersignError('CONFIG_FULL', `There are ${MAX_PASSKEYS} passkeys already; remove one first.`);
      save([...passkeys.filter(({ credentialId }) => credentialId !== passkey.credentialId), passkey]);
    },
    remove(credentialId) {
      const next = passkeys.filter((one) => one.credentialId !== credentialId);
      if (next.length === passkeys.length)
        throw new CountersignError('PASSKEY_UNKNOWN', 'No such passkey was made on this machine.');
      save(next);
    },
  };
}

function parse(file: string, text: string): Passkey[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = PasskeysFile.safeParse(json);
  if (parsed.success) return parsed.data.passkeys;
  const issue = parsed.error.issues[0];
  throw new CountersignError('CONFIG_BROKEN', `${file}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}.`);
}
