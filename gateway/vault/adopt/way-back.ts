import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { CountersignError } from '../../contract/errors.ts';

/** Files as they were: their bytes, and the mode for one that is gone by then. */
export interface FileAsItWas {
  bytes: Uint8Array;
  mode: number;
}

const WayBack = z.union([
  z.object({ version: z.literal(1), files: z.record(z.string(), z.string()) }),
  z.object({
    version: z.literal(2),
    files: z.record(z.string(), z.object({ base64: z.base64(), mode: z.number().int().min(0).max(0o777) })),
  }),
]);

/** age with a passphrase, so that `age -d` opens it too. @param files by path. */
export async function sealWayBack(files: ReadonlyMap<string, FileAsItWas>, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  const entries = [...files].map(([path, { bytes, mode }]) => [
    path,
    { base64: Buffer.from(bytes).toString('base64'), mode },
  ]);
  const wayBack = { version: 2, files: Object.fromEntries(entries) } satisfies z.infer<typeof WayBack>;
  return encrypter.encrypt(JSON.stringify(wayBack));
}

/** Throws WAY_BACK_CLOSED. */
export async function openWayBack(bytes: Uint8Array, passphrase: string): Promise<Map<string, FileAsItWas>> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    const wayBack = WayBack.parse(JSON.parse(await decrypter.decrypt(bytes, 'text')));
    return new Map(
      wayBack.version === 1
        ? Object.entries(wayBack.files).map(([path, text]) => [path, { bytes: Buffer.from(text), mode: 0o600 }])
        : Object.entries(wayBack.files).map(([path, { base64, mode }]) => [
            path,
            { bytes: Buffer.from(base64, 'base64'), mode },
          ]),
    );
  } catch {
    // The library's words may quote what it was given.
    throw new CountersignError('WAY_BACK_CLOSED', 'the passphrase is not the one, or the file is damaged');
  }
}
