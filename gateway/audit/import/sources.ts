import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import type { StoreTarget } from '../../sync/ports.ts';
import { TargetConfig } from '../../sync/targets/config.ts';
import { MARKER } from '../../sync/targets/names.ts';
import { openTarget } from '../../sync/targets/open-target.ts';

export type ImportSource = { kind: 'store'; open(): StoreTarget } | { kind: 'bundles'; files: string[] };

/** Secrets of a store by their id; never from the arguments. */
export interface SourceSecrets {
  read(id: string): Promise<string | null>;
}

const MAX_CONFIG = 256 * 1024;
const SECRET = /^store\/[a-z0-9][a-z0-9/_.-]{0,99}$/;

/**
 * What `audit import` was given: a bundle, a folder of them, a store's folder, or a file (`.json`) with a store's
 * configuration as gateways have it. Throws AUDIT_NO_SOURCE.
 */
export function sourceOf(what: string, secrets: SourceSecrets): ImportSource {
  const url = /^(sftp|s3):\/\//.exec(what);
  if (url !== null) {
    throw noSource(
      `${what}: a store of this kind is given as a file with its configuration, the one that the gateways have`,
    );
  }
  const found = fs.statSync(what, { throwIfNoEntry: false });
  if (found === undefined) throw noSource(`there is no ${what}`);
  if (found.isFile()) return what.endsWith('.json') ? configured(what, secrets) : { kind: 'bundles', files: [what] };
  if (fs.existsSync(join(what, MARKER))) {
    const config: TargetConfig = { kind: 'folder', path: resolve(what) };
    return { kind: 'store', open: () => openTarget(config, secrets) };
  }
  const files = fs
    .readdirSync(what)
    .filter((name) => name.endsWith('.tar'))
    .sort()
    .map((name) => join(what, name));
  if (files.length > 0) return { kind: 'bundles', files };
  throw noSource(`${what} is no store (it has no ${MARKER}) and holds no bundles (.tar)`);
}

function configured(file: string, secrets: SourceSecrets): ImportSource {
  let config: TargetConfig;
  try {
    if (fs.statSync(file).size > MAX_CONFIG) throw new Error('it is too long');
    config = TargetConfig.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new CountersignError('AUDIT_NO_SOURCE', `${file} is not the configuration of a store`, { cause });
  }
  return { kind: 'store', open: () => openTarget(config, secrets) };
}

/** Ids of the secrets that a store's configuration names. */
export function secretsOf(what: string): string[] {
  if (!what.endsWith('.json')) return [];
  const found = new Set<string>();
  JSON.parse(fs.readFileSync(what, 'utf8'), (_, value: unknown) => {
    if (typeof value === 'string' && SECRET.test(value)) found.add(value);
    return value;
  });
  return [...found];
}

const noSource = (sentence: string) => new CountersignError('AUDIT_NO_SOURCE', sentence);
