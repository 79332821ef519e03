import type { Effects } from './effects.ts';
import { isSecret, isWide, type Place, resolvePath, writeKind } from './paths.ts';
import type { Word } from './words.ts';

export interface PathEffects {
  resolve(path: string): string;
  read(word: Word, deep: boolean): void;
  write(word: Word): void;
  remove(word: Word, deep: boolean): void;
  /** A file that an unknown program is given. */
  mentioned(word: Word): void;
}

const SOCKET = /^\/dev\/(?:tcp|udp)\/([^/]+)(?:\/(.+))?$/;

/** What reading, writing or removing the files that words name amounts to. */
export function pathEffects(effects: Effects, place: Place): PathEffects {
  const resolve = (path: string) => resolvePath(path, place);
  const unresolved = (word: Word, verb: string) =>
    effects.unknown(`which file it ${verb} (${word.source}) is known only when it runs`, 'unresolved-path');
  const socket = (path: string): boolean => {
    const host = SOCKET.exec(path)?.[1];
    if (host === undefined) return false;
    effects.worsen('network', `Speaks to ${host} through the shell itself`);
    effects.list('hosts', host);
    return true;
  };
  return {
    resolve,
    read(word, deep) {
      if (word.text === null) {
        if (word.source.startsWith('<(')) return;
        if (word.prefix !== '') effects.list('reads', `${resolve(word.prefix)}…`);
        unresolved(word, 'reads');
        return;
      }
      if (word.text === '-' || word.text === '') return;
      const path = resolve(word.text);
      if (socket(path)) return;
      effects.list('reads', path);
      if (isSecret(path, place, word.glob, deep))
        effects.worsen('secret-read', `Reads what holds secrets: ${word.source}`);
    },
    write(word) {
      if (word.text === null) {
        if (word.source.startsWith('>(')) return;
        effects.worsen('write');
        unresolved(word, 'writes');
        return;
      }
      if (word.text === '-' || word.text === '') return;
      const path = resolve(word.text);
      if (socket(path)) return;
      written(path, word, place, effects);
    },
    remove(word, deep) {
      if (word.text === null) {
        effects.worsen('destructive', `Removes files that are known only when it runs (${word.source})`);
        unresolved(word, 'removes');
        return;
      }
      const path = resolve(word.text);
      effects.list('removes', path);
      const wide = isWide(path, place);
      effects.worsen('destructive', `Removes ${word.source}${deep ? ' and everything in it' : ''}`);
      if (wide) effects.flag('wide');
      const kind = writeKind(path);
      if (kind === 'guard') guarded(word, effects);
      if (kind === 'system' || kind === 'device') effects.flag('system-file');
      if (place.cwd === null && !path.startsWith('/')) effects.flag('unresolved-path');
    },
    mentioned(word) {
      if (word.text === null) return;
      const path = resolve(word.text);
      effects.list('reads', path);
      if (isSecret(path, place, word.glob, false))
        effects.worsen('secret-read', `Names what holds secrets: ${word.source}`);
      if (writeKind(path) === 'guard') guarded(word, effects);
    },
  };
}

function guarded(word: Word, effects: Effects): void {
  effects.worsen('privilege', `Touches what watches over the agent: ${word.source}`);
  effects.flag('guard');
}

function written(path: string, word: Word, place: Place, effects: Effects): void {
  const kind = writeKind(path);
  if (kind === 'nothing') return;
  effects.list('writes', path);
  effects.worsen('write', `Writes ${word.source}`);
  if (word.glob) effects.unknown(`which file it writes (${word.source}) is known only when it runs`, 'unresolved-path');
  if (place.cwd === null && !path.startsWith('/')) effects.flag('unresolved-path');
  if (kind === 'device') {
    effects.worsen('destructive', `Overwrites the device ${word.source}`);
    effects.flag('system-file');
  } else if (kind === 'system') {
    effects.worsen('privilege', `Changes the system's ${word.source}`);
    effects.flag('system-file');
  } else if (kind === 'credentials') effects.worsen('privilege', `Changes who may sign in: ${word.source}`);
  else if (kind === 'start-file') {
    effects.worsen('execute', `Writes ${word.source}, which is run or obeyed later`);
    effects.flag('start-file');
  } else if (kind === 'guard') guarded(word, effects);
}

/** The host of an address, user@host, host:path or host; null where it is known only at run time. */
export function hostOf(word: Word): string | null {
  const text = word.text ?? word.prefix;
  const address = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/\s]*@)?(\[[^\]]+\]|[^:/?#\s]+)/i.exec(text);
  const host = address?.[1];
  if (host === undefined) return null;
  // Without an end the host could go on with what is not known.
  if (word.text === null && !text.slice((address?.[0] ?? '').length).match(/^[:/?#]/)) return null;
  return host.toLowerCase();
}
