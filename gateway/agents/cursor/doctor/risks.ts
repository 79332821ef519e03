import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Where } from '../../installer.ts';
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

/** Settings of Cursor that let an agent do more than a hook is asked about, and credentials within its reach. */
export function lookForRisks({ home, project }: Where): Finding[] {
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
    const servers = read(join(folder, 'mcp.json'))?.mcpServers;
    for (const [name, server] of Object.entries((servers as Record<string, unknown> | undefined) ?? {})) {
      if (!JSON.stringify(server).includes('countersign') && !/127\.0\.0\.1:\d+\/mcp\//.test(JSON.stringify(server)))
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
