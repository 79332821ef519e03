import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Where } from '../../installer.ts';
import { type OwnShim, serversOf, throughProxy } from '../mcp-proxy.ts';
import type { Finding } from './hook-files.ts';

/** Files from which an agent could take credentials of its own accord, below the home or the project. */
const CREDENTIALS = {
  home: [
    '.pgpass',
    '.pg_service.conf',
    '.my.cnf',
    '.netrc',
    '.git-credentials',
    '.aws/credentials',
    '.kube/config',
    '.docker/config.json',
    '.npmrc',
    '.config/gh/hosts.yml',
  ],
  project: ['.env', '.env.local', '.npmrc', 'credentials.json'],
};

/**
 * Settings of Cursor that let an agent do more than a hook is asked about, and credentials within its reach.
 * @param own what counts as going through the gateway, as the gateway itself sees it.
 */
export function lookForRisks({ home, project }: Where, own: OwnShim): Finding[] {
  const findings: Finding[] = [];
  const warn = (sentence: string) => findings.push({ status: 'warn', sentence });
  for (const folder of [join(home, '.cursor'), join(project, '.cursor')]) {
    const permissions = read(join(folder, 'permissions.json'));
    for (const name of ['terminalAllowlist', 'mcpAllowlist']) {
      const list = permissions?.[name];
      if (Array.isArray(list) && list.some((entry) => /^\**(:\**)?$/.test(String(entry))))
        warn(`${join(folder, 'permissions.json')} runs everything without asking: ${name} holds "*"`);
    }
    const cli = read(join(folder, 'cli-config.json')) ?? read(join(folder, 'cli.json'));
    const allow = (cli?.permissions as Record<string, unknown> | undefined)?.allow;
    if (Array.isArray(allow) && allow.some((entry) => /^(Shell|Mcp|Write)\(\*+(:\*+)?\)$/.test(String(entry))))
      warn(`${join(folder, 'cli-config.json')} allows every command, write or tool`);
    if (/unrestricted|yolo|run-everything/i.test(String(cli?.approvalMode ?? '')))
      warn(`${join(folder, 'cli-config.json')} runs everything without asking`);
    const network = read(join(folder, 'sandbox.json'))?.networkPolicy as Record<string, unknown> | undefined;
    if (network?.default === 'allow') warn(`${join(folder, 'sandbox.json')} lets the sandbox reach every host`);
    const mcp = text(join(folder, 'mcp.json'));
    for (const name of serversOf(mcp)) {
      if (!throughProxy(name, [mcp], own))
        warn(`The MCP server "${name}" of ${join(folder, 'mcp.json')} does not go through Countersign`);
    }
  }
  const within = [
    ...CREDENTIALS.home.map((name) => join(home, name)),
    ...CREDENTIALS.project.map((name) => join(project, name)),
  ].filter(isReadable);
  for (const file of within) warn(`An agent could take credentials from ${file}`);
  if (
    existsSync(join(home, '.claude', 'settings.json')) &&
    /countersign/.test(text(join(home, '.claude', 'settings.json')) ?? '')
  )
    warn('Cursor runs the hooks of Claude Code too, so some things are told twice');
  return findings;
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function text(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function read(file: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text(file) ?? 'null');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
