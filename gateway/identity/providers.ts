import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { ProviderConfig } from '../contract/sign-in.ts';

const MAX_PROVIDERS = 8;
const ProvidersFile = z.strictObject({ version: z.literal(1), providers: z.array(ProviderConfig).max(MAX_PROVIDERS) });

/** `<home>/providers.json`. Throws CONFIG_BROKEN: with what is not understood nobody is let in. */
export function readProviders(file: string): ProviderConfig[] {
  const text = readFileIfThere(file);
  if (text === null) return [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = ProvidersFile.safeParse(json);
  if (parsed.success) return parsed.data.providers;
  const issue = parsed.error.issues[0];
  throw new CountersignError('CONFIG_BROKEN', `${file}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}.`);
}

/** Throws PROVIDERS_FULL. */
export function writeProviders(file: string, providers: readonly ProviderConfig[]): void {
  if (providers.length > MAX_PROVIDERS)
    throw new CountersignError('PROVIDERS_FULL', `There are ${MAX_PROVIDERS} providers already; remove one first.`);
  writeFileAtomic(file, `${JSON.stringify({ version: 1, providers }, null, 2)}\n`);
}
