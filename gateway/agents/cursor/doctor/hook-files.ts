import { existsSync } from 'node:fs';
import { isCountersignError } from '../../../contract/errors.ts';
import { readSettings } from '../../install/files.ts';
import { listHooks, parseSettings } from '../../install/merge.ts';
import type { Level, Where } from '../../installer.ts';
import { cursorInstaller } from '../hooks.ts';

/** One thing that was looked at. `warn`: it works, and is not as safe as it could be. */
export interface Finding {
  status: 'ok' | 'warn' | 'failed';
  sentence: string;
}

export interface InstalledHooks {
  level: Level;
  file: string;
  /** Commands of Countersign by event. */
  commands: ReadonlyMap<string, string[]>;
}

const LEVELS: readonly Level[] = ['managed', 'project', 'user'];

/** What Cursor would run of ours, and what is wrong with it. */
export function lookAtHooks(where: Where): { installed: InstalledHooks[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const installed: InstalledHooks[] = [];
  const table = cursorInstaller.hooks(null);
  for (const level of LEVELS) {
    const file = cursorInstaller.file(level, where);
    if (file === null) continue;
    try {
      const text = readSettings(file);
      if (text === null) continue;
      const own = listHooks(parseSettings(text, file), table, file).filter((one) => one.own);
      if (own.length === 0) continue;
      const commands = new Map<string, string[]>();
      for (const { event, entry } of own) commands.set(event, [...(commands.get(event) ?? []), String(entry.command)]);
      installed.push({ level, file, commands });
      findings.push(...problemsOf(file, own, commands));
    } catch (error) {
      const sentence = isCountersignError(error) ? error.message : `${file} cannot be read`;
      findings.push({ status: 'failed', sentence });
    }
  }
  if (installed.length === 0) {
    findings.push({ status: 'failed', sentence: 'No hooks are installed: run countersign cursor install' });
  }
  if (installed.length > 1) {
    const files = installed.map(({ file }) => file).join(' and ');
    findings.push({ status: 'warn', sentence: `Cursor runs the hooks of ${files}, so some things are asked twice` });
  }
  return { installed, findings };
}

function problemsOf(
  file: string,
  own: readonly { event: string; entry: Record<string, unknown> }[],
  commands: ReadonlyMap<string, string[]>,
): Finding[] {
  const findings: Finding[] = [];
  const wanted = cursorInstaller.hooks(null).entries;
  const missing = Object.keys(wanted).filter((event) => !commands.has(event));
  if (missing.length > 0)
    findings.push({ status: 'failed', sentence: `${file} lacks hooks for ${missing.join(', ')}` });
  const open = own.filter(({ event, entry }) => wanted[event]?.failClosed === true && entry.failClosed !== true);
  if (open.length > 0) {
    const events = open.map(({ event }) => event).join(', ');
    findings.push({
      status: 'failed',
      sentence: `${file} lets ${events} pass when the hook fails: failClosed is not set`,
    });
  }
  const narrowed = own.filter(({ entry }) => entry.matcher !== undefined);
  if (narrowed.length > 0)
    findings.push({ status: 'failed', sentence: `${file} limits Countersign's hooks by a matcher` });
  const programs = new Set(own.flatMap(({ entry }) => programsOf(String(entry.command))));
  const gone = [...programs].filter((path) => !existsSync(path));
  if (gone.length > 0)
    findings.push({ status: 'failed', sentence: `${file} runs ${gone.join(' and ')}, which is not there` });
  if (findings.length === 0) findings.push({ status: 'ok', sentence: `${file} has hooks for ${commands.size} events` });
  return findings;
}

/** The first two words: Node and the program. */
function programsOf(command: string): string[] {
  const words = command.match(/'(?:[^']|'\\'')*'|"[^"]*"|[^\s]+/g) ?? [];
  return words.slice(0, 2).map((word) => word.replace(/^(['"])(.*)\1$/, '$2').replaceAll(`'\\''`, "'"));
}
