import type { Row } from '../row.ts';
import { BUILTINS } from './builtins.ts';
import { CLOUD } from './cloud.ts';
import { DATABASES } from './databases.ts';
import { FILES } from './files.ts';
import { GIT } from './git.ts';
import { INTERPRETERS } from './interpreters.ts';
import { NETWORK } from './network.ts';
import { PACKAGES } from './packages.ts';
import { READERS } from './readers.ts';
import { SYSTEM } from './system.ts';
import { WRAPPERS } from './wrappers.ts';

const BY_NAME = new Map<string, Row>();
for (const row of [
  ...BUILTINS,
  ...CLOUD,
  ...DATABASES,
  ...FILES,
  ...GIT,
  ...INTERPRETERS,
  ...NETWORK,
  ...PACKAGES,
  ...READERS,
  ...SYSTEM,
  ...WRAPPERS,
])
  for (const name of row.names.split(' ')) BY_NAME.set(name, row);

export function programOf(name: string): Row | undefined {
  return BY_NAME.get(name);
}
