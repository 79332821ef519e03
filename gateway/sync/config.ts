import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { KeepingRules } from '../contract/sync.ts';
import { RetentionConfig } from './retention.ts';
import { TargetConfig } from './targets/config.ts';

/** `<home>/sync.json`. Secrets are in the vault, under ids that `target` names. */
export const SyncConfig = z.strictObject({
  version: z.literal(1),
  /** null: what is recorded stays on this machine. */
  store: z
    .strictObject({
      /** Another id is another store, which gets everything from the beginning. */
      id: z.string().regex(/^[0-9a-f]{16}$/),
      target: TargetConfig,
    })
    .nullable(),
  /** Nothing is sent until a person lets it go on. */
  paused: z.boolean().default(false),
  /** Bytes a second; null: as many as there can be. */
  bandwidth: z.number().int().min(1024).nullable().default(null),
  /** When something has waited for so long, the device's log says so. */
  overdueHours: z
    .number()
    .min(1)
    .max(24 * 365)
    .default(24),
  retention: RetentionConfig.default({ rules: [], budget: null }),
  keeping: KeepingRules.prefault({}),
});
export type SyncConfig = z.infer<typeof SyncConfig>;

const NONE: SyncConfig = {
  version: 1,
  store: null,
  paused: false,
  bandwidth: null,
  overdueHours: 24,
  retention: { rules: [], budget: null },
  keeping: { prompts: 'all', thoughts: 'all', answers: 'all', files: 'all' },
};

/** Throws CONFIG_BROKEN, which names the file and the place: with what is not understood nothing is deleted or sent. */
export function readSyncConfig(file: string): SyncConfig {
  const text = readFileIfThere(file);
  if (text === null) return NONE;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  return parseSyncConfig(json, file);
}

/** @param where for the sentence: a file, or what was given. Throws CONFIG_BROKEN. */
export function parseSyncConfig(json: unknown, where: string): SyncConfig {
  const parsed = SyncConfig.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CountersignError('CONFIG_BROKEN', `${where}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}.`);
}

export function writeSyncConfig(file: string, config: SyncConfig): void {
  writeFileAtomic(file, `${JSON.stringify(config, null, 2)}\n`);
}
