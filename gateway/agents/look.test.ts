import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AGENT_NAMES } from '../contract/hooks.ts';
import { installHooks } from './install/install.ts';
import { installers } from './installers.ts';
import { lookAtAgents } from './look.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cs-agents-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const where = () => ({ home, project: home, platform: process.platform });
const look = (given: string | null = home) =>
  lookAtAgents({ home: given, platform: process.platform, typed: (args) => `countersign ${args}` });
const of = (name: string) => look().find((agent) => agent.name === name);

it('finds the agents that are there, and says how each is installed', () => {
  mkdirSync(join(home, '.cursor'));
  mkdirSync(join(home, '.copilot'));
  expect(look().map(({ name }) => name)).toEqual([...AGENT_NAMES]);
  expect(look().flatMap(({ name, found }) => (found ? [name] : []))).toEqual(['cursor', 'copilot']);
  expect(of('cursor')).toMatchObject({ hooks: false, install: 'countersign agents install cursor' });
});

it.each(AGENT_NAMES)('knows the hooks of %s', (name) => {
  const installer = installers[name];
  installHooks(installer.file('user', where())!, installer.hooks(null));
  expect(look().flatMap((agent) => (agent.hooks ? [agent.name] : []))).toEqual([name]);
});

it('takes broken settings and hooks of others for none', () => {
  mkdirSync(join(home, '.cursor'));
  const file = join(home, '.cursor', 'hooks.json');
  for (const text of ['{', '[]', '{"version":1,"hooks":{"beforeShellExecution":[{"command":"other hook cursor"}]}}']) {
    writeFileSync(file, text);
    expect(of('cursor')).toMatchObject({ found: true, hooks: false });
  }
});

it('does not look where it may not', () => {
  expect(look(null).map(({ found, hooks }) => [found, hooks])).toEqual(AGENT_NAMES.map(() => [null, null]));
});
