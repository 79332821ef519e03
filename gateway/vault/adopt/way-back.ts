import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { CountersignError } from '../../contract/errors.ts';

/** Files as they were, by path. */
const WayBack = z.object({ version: z.literal(1), files: z.record(z.string(), z.string()) });

/** age with a passphrase, so that `age -d` opens it too. */
export async function sealWayBack(files: Readonly<Record<string, string>>, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  return encrypter.encrypt(JSON.stringify({ version: 1, files } satisfies z.infer<typeof WayBack>));
}

/** Throws WAY_BACK_CLOSED. */
export async function openWayBack(bytes: Uint8Array, passphrase: string): Promise<Record<string, string>> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return WayBack.parse(JSON.parse(await decrypter.decrypt(bytes, 'text'))).files;
  } catch {
    // The library's words may quote what it was given.
    throw new CountersignError('WAY_BACK_CLOSED', 'the passphrase is not the one, or the file is damaged');
  }
}
