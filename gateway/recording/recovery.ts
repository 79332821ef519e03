import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import {
  append,
  isSessionId,
  journalDir,
  journalFiles,
  KEY_NAME,
  OPEN_NAME,
  recoveryKeyName,
  SUMS_NAME,
  SUMS_SIGNATURE_NAME,
  sessionFolder,
  syncPath,
} from './files.ts';
import { fromUtf8, toHex } from './format/bytes.ts';
import {
  type JournalRecord,
  journalRecords,
  parseJournalHeader,
  RECORD_CLOSE,
  RECORD_EVENT,
  RECORD_NAME,
  RECORD_OPEN,
  RECORD_OWN,
  RECORD_REQUEST,
} from './format/journal.ts';
import { createSessionKey, nodePrimitives as p, recordingFailed } from './primitives.ts';
import { readOpen, sessionFolders } from './reader.ts';
import { SessionSealer } from './session-sealer.ts';
import { type Survey, survey } from './survey.ts';
import type { EventRecord } from './worker-messages.ts';

export interface RecoveredSession {
  id: string;
  folder: string;
  /** What was found, added and lost, for the log and the console. */
  sentence: string;
}

export interface RecoveryReport {
  sessions: RecoveredSession[];
  /** Sessions that could not be closed, with the reason; their files are left as they are. */
  unreadable: { folder: string; reason: string }[];
}

interface Journalled {
  info: RecorderSessionInfo | null;
  records: JournalRecord[];
}

/**
 * Closes every session that was left open, as incomplete and under a key of its own, with what the
 * journals still hold. Run it before a recorder is made, and with none running on the folder. What was
 * sealed stays as it is; bytes that make no whole frame are kept beside it (torn-*). May be killed and run again.
 * Throws RECORDING_FAILED when the disk does not let it finish; the journals stay then.
 */
export async function recoverRecordings(dir: string): Promise<RecoveryReport> {
  const report: RecoveryReport = { sessions: [], unreadable: [] };
  try {
    const journals = readJournals(dir);
    const folders = new Map<string, string>();
    for await (const folder of sessionFolders(dir)) {
      if (!fs.existsSync(join(folder, SUMS_SIGNATURE_NAME)) || journals.has(basename(folder)))
        folders.set(basename(folder), folder);
    }
    for (const [id, { info }] of journals) {
      if (info !== null && !folders.has(id)) folders.set(id, sessionFolder(dir, id, info.openedAt));
    }
    for (const [id, folder] of folders) recoverOne(id, folder, journals.get(id) ?? { info: null, records: [] }, report);
    removeJournals(dir);
  } catch (error) {
    throw recordingFailed('recordings of an earlier run could not be closed', error);
  }
  return report;
}

function readJournals(dir: string): Map<string, Journalled> {
  const sessions = new Map<string, Journalled>();
  for (const { path } of journalFiles(dir)) {
    const bytes = fs.readFileSync(path);
    const header = parseJournalHeader(p, bytes);
    if (header === null) continue;
    const names = new Map<number, string>();
    const run = toHex(header.id);
    for (const record of journalRecords(p, bytes)) {
      if (record.kind === RECORD_NAME) {
        const id = fromUtf8(record.payload);
        if (isSessionId(id)) names.set(record.session, id);
        continue;
      }
      const id = names.get(record.session);
      if (id === undefined)
        throw new CountersignError('RECORDING_UNREADABLE', `journal ${path} of run ${run} has a record of no session`);
      const session = sessions.get(id) ?? { info: null, records: [] };
      sessions.set(id, session);
      if (record.kind === RECORD_OPEN) session.info = JSON.parse(fromUtf8(record.payload)) as RecorderSessionInfo;
      session.records.push(record);
    }
  }
  return sessions;
}

function recoverOne(id: string, folder: string, journalled: Journalled, report: RecoveryReport): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = survey(folder, journalled.records[0]?.n ?? Number.POSITIVE_INFINITY);
  const signed = fs.existsSync(join(folder, SUMS_SIGNATURE_NAME));
  if (signed && found.whole && found.lastLine?.type === 'close') return;
  const info = journalled.info ?? infoOf(folder);
  if (found.lines === 0 && info === null) {
    report.unreadable.push({ folder, reason: 'neither its open event nor a journal says what it is' });
    return;
  }
  const cut = cutTails(folder, found);
  for (const name of [SUMS_NAME, SUMS_SIGNATURE_NAME]) setAside(folder, name);
  // A recovery that was killed may have named keys whose events never got here.
  if (found.lines === 0) for (const name of [OPEN_NAME, KEY_NAME]) setAside(folder, name);
  setAside(folder, recoveryKeyName(found.lines === 0 ? 1 : found.resume.seq));
  const now = Date.now() * 1000;
  const sealer = new SessionSealer(folder, id, createSessionKey(), found.lines === 0 ? null : found.resume);
  const fresh = journalled.records.filter(
    (record) => record.n >= found.resume.journalled && record.kind !== RECORD_OPEN,
  );
  const end = fresh.at(-1)?.n ?? -1;
  const missing = Math.max(0, end + 1 - Math.max(1, found.resume.journalled) - fresh.length);
  if (found.lines === 0) sealer.open(info!, journalled.records[0]?.at ?? now);
  sealer.recovered({ head: found.head, beyond: Math.max(0, found.lines - (found.head?.size ?? 0)), cut }, now);
  const reason = replay(sealer, fresh);
  const sentence = sentenceOf(found, fresh, missing, cut, reason);
  sealer.close('incomplete', sentence, now);
  for (const path of sealer.unsynced) syncPath(path);
  for (let path = folder, i = 0; i < 5; i += 1, path = dirname(path)) syncPath(path);
  report.sessions.push({ id, folder, sentence });
}

function infoOf(folder: string): RecorderSessionInfo | null {
  try {
    return readOpen(folder).info as unknown as RecorderSessionInfo;
  } catch {
    return null;
  }
}

/** Takes torn tails off, after putting what they held beside the file. */
function cutTails(folder: string, found: Survey): { lines: number; units: number; heads: number } {
  const cut = { lines: 0, units: 0, heads: 0 };
  for (const { path, keep, what } of found.cuts) {
    const tail = fs.readFileSync(path).subarray(keep);
    cut[what] += tail.length;
    const aside = join(folder, `torn-${basename(path)}-${keep}.bin`);
    if (!fs.existsSync(aside)) {
      fs.writeFileSync(`${aside}.new`, tail, { mode: 0o600 });
      syncPath(`${aside}.new`);
      fs.renameSync(`${aside}.new`, aside);
    }
    fs.truncateSync(path, keep);
    syncPath(path);
  }
  return cut;
}

function setAside(folder: string, name: string): void {
  const path = join(folder, name);
  if (!fs.existsSync(path)) return;
  append(join(folder, `torn-${name}-0.bin`), fs.readFileSync(path));
  fs.unlinkSync(path);
}

/** Gives journalled records to the sealer; returns the reason of a close that had been asked for. */
function replay(sealer: SessionSealer, records: readonly JournalRecord[]): string | null {
  let reason: string | null = null;
  for (const { kind, exchange, at, payload, n } of records) {
    sealer.journalled = n;
    if (kind === RECORD_REQUEST) {
      // The sealer overwrites what is before the bytes: the record's header, which has been read.
      const memory = Buffer.from(payload.buffer, payload.byteOffset - 40, 40 + payload.length);
      sealer.request(exchange, at, memory, 40, memory.length);
    } else if (kind === RECORD_OWN) {
      sealer.ownStatement(exchange, at, JSON.parse(fromUtf8(payload)) as StatementSummary);
    } else if (kind === RECORD_EVENT) {
      sealer.event(JSON.parse(fromUtf8(payload)) as EventRecord, at);
    } else if (kind === RECORD_CLOSE) {
      reason = (JSON.parse(fromUtf8(payload)) as { reason: string }).reason;
    }
    if (sealer.urgent) sealer.flush(0);
  }
  return reason;
}

function sentenceOf(
  found: Survey,
  fresh: readonly JournalRecord[],
  missing: number,
  cut: { lines: number; units: number; heads: number },
  reason: string | null,
): string {
  const parts = [`the gateway ended before it closed this session; ${found.lines} events were found`];
  if (found.head === null) parts.push('no signed head was found');
  else if (found.head.size > found.lines)
    parts.push(`${found.head.size - found.lines} events that were signed are gone`);
  else if (found.head.size < found.lines)
    parts.push(`${found.lines - found.head.size} of them came after the last signed head`);
  else parts.push('all of them under a signed head');
  const requests = fresh.filter((record) => record.kind === RECORD_REQUEST).length;
  if (fresh.length > 0)
    parts.push(`${requests} requests and ${fresh.length - requests} other records were added from the journal`);
  if (missing > 0) parts.push(`${missing} journalled records are gone`);
  if (cut.lines + cut.units + cut.heads > 0)
    parts.push(`${cut.lines + cut.units + cut.heads} bytes of torn tails were set aside`);
  parts.push('responses of the last second may be lost');
  if (reason !== null) parts.push(`it was being closed: ${reason.slice(0, 100)}`);
  return `${parts.join('; ')}.`;
}

function removeJournals(dir: string): void {
  const folder = journalDir(dir);
  if (!fs.existsSync(folder)) return;
  for (const { path } of journalFiles(dir)) fs.unlinkSync(path);
  for (const name of fs.readdirSync(folder)) if (/^\d{12}\.wal\.new$/.test(name)) fs.unlinkSync(join(folder, name));
  syncPath(folder);
}
