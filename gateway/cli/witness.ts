import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { parseCheckpoint, type SignedCheckpoint, withSignatures } from '../evidence/format/checkpoint.ts';
import { parseSignature } from '../evidence/format/signed-note.ts';
import { COSIGNATURE, formatVkey, isKeyName, parseVkey, type Signer } from '../evidence/format/vkey.ts';
import { createKey, isEncrypted, openKey, readKeyFile, writeKeyFile } from '../evidence/trust/private-key.ts';
import { createOnly, openTrust, readBounded } from '../evidence/trust/trust-folder.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import { proofFromTiles } from '../evidence/witness/folder-proof.ts';
import { serveWitness } from '../evidence/witness/server.ts';
import { WitnessState } from '../evidence/witness/state.ts';
import { Witness } from '../evidence/witness/witness.ts';
import { toHex } from '../recording/format/bytes.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { readText, vkeyArgument } from './trust-arguments.ts';
import { askPassphrase, newPassphrase } from './trust-passphrase.ts';
import { wholeNumber } from './whole-number.ts';

const DEFAULT_FOLDER = 'witness';
/** Trust notes are read again after this time: a revocation takes effect without a restart. */
const TRUST_MS = 60_000;

const keyFile = (folder: string) => join(folder, 'witness.key');
const publicFile = (folder: string) => join(folder, 'witness.vkey');
const stateFile = (folder: string) => join(folder, 'witness.db');

interface FolderOptions {
  folder: string;
  passphraseFile?: string;
}

async function init(cli: Cli, name: string, options: FolderOptions & { passphrase: boolean }): Promise<void> {
  const { folder } = options;
  if (!isKeyName(name) || name.startsWith('countersign/')) {
    throw new CountersignError('USAGE', 'a witness is called as its address without scheme: witness.example/w1');
  }
  if (existsSync(keyFile(folder))) throw new CountersignError('KEY_EXISTS', `${folder} holds a witness already`);
  const passphrase = options.passphrase ? await newPassphrase(cli, 'the witness', options.passphraseFile) : null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { signer, pem } = createKey(name, passphrase, COSIGNATURE);
  new WitnessState(stateFile(folder), true).close();
  writeKeyFile(keyFile(folder), pem);
  createOnly(publicFile(folder), Buffer.from(`${formatVkey(signer.vkey)}\n`));
  cli.out(formatVkey(signer.vkey));
  cli.note(
    'The root names it with: countersign trust witness add; devices ask it with: countersign device witness add',
  );
}

function addLogs(cli: Cli, keys: readonly string[], { folder }: FolderOptions): void {
  const state = new WitnessState(stateFile(folder), false);
  try {
    for (const text of keys.map((key) => vkeyArgument(key).trim())) {
      const { name } = parseVkey(p.sha256, text);
      state.addKey(name, text);
      cli.out(visibleLine(name));
    }
  } catch (error) {
    if (error instanceof FormatError) throw new CountersignError('USAGE', error.message);
    throw error;
  } finally {
    state.close();
  }
}

async function signerOf(cli: Cli, { folder, passphraseFile }: FolderOptions): Promise<Signer> {
  const { name } = parseVkey(p.sha256, readText(publicFile(folder)).trim());
  const pem = readKeyFile(keyFile(folder));
  const passphrase = isEncrypted(pem) ? await askPassphrase(cli, 'the witness', passphraseFile) : null;
  return openKey(name, pem, passphrase, COSIGNATURE);
}

/** The trust of a folder as of now; what goes wrong in reading it keeps the last one, and is told once. */
function trustOf(cli: Cli, folder: string | undefined): () => Trust | null {
  if (folder === undefined) return () => null;
  let trust: Trust = openTrust(p, folder, new Date().toISOString());
  let at = Date.now();
  return () => {
    const now = Date.now();
    if (Math.abs(now - at) < TRUST_MS) return trust;
    at = now;
    try {
      trust = openTrust(p, folder, new Date(now).toISOString());
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      cli.note(`The trust notes stay as they were: ${error.message}`);
    }
    return trust;
  };
}

interface ServeOptions extends FolderOptions {
  listen: string;
  tlsCert?: string;
  tlsKey?: string;
  trust?: string;
}

async function serve(cli: Cli, options: ServeOptions): Promise<void> {
  const match = /^(\[[0-9a-f:]+\]|[^:\s]+):(\d{1,5})$/i.exec(options.listen);
  if (match === null) throw new CountersignError('USAGE', '--listen is an address and a port: 127.0.0.1:7717');
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) {
    throw new CountersignError('USAGE', 'TLS takes both --tls-cert and --tls-key');
  }
  const trust = trustOf(cli, options.trust);
  const signer = await signerOf(cli, options);
  const state = new WitnessState(stateFile(options.folder), false);
  try {
    const tls =
      options.tlsCert === undefined ? null : { cert: readText(options.tlsCert), key: readText(options.tlsKey!) };
    const server = await serveWitness({
      witness: new Witness({ signer, state, clock: { now: () => Date.now() }, trust }),
      host: match[1]!.replace(/^\[|\]$/g, ''),
      port: wholeNumber(match[2]!, 'the port', 0, 65_535),
      tls,
      unexpected: (error) => cli.note(`a request failed: ${visibleLine(String(error))}`),
    });
    cli.out(`The witness ${signer.vkey.name} listens on ${match[1]}:${server.port} (${tls ? 'https' : 'http'}).`);
    const { signal } = cli;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await server.close();
  } finally {
    state.close();
  }
}

/** A step of an auditor's import: a checkpoint in a copy of the store, with the tiles beside it. */
async function cosign(cli: Cli, file: string, options: FolderOptions & { trust?: string }): Promise<void> {
  const bytes = readBounded(file);
  if (bytes === null) throw new CountersignError('USAGE', `${file} is not there`);
  const checkpoint = parsed(file, bytes);
  const signer = await signerOf(cli, options);
  const state = new WitnessState(stateFile(options.folder), false);
  try {
    const witness = new Witness({
      signer,
      state,
      clock: { now: () => Date.now() },
      trust: trustOf(cli, options.trust),
    });
    const old = state.head(checkpoint.origin)?.size ?? 0;
    const proof = old <= checkpoint.size ? proofFromTiles(dirname(file), old, checkpoint.size) : [];
    const { status, body } = await witness.judge(old, proof, checkpoint);
    if (status !== 200) throw new CountersignError('WITNESS_REFUSED', refusal(status, body, old, checkpoint));
    const to = join(dirname(file), `${basename(file)}.${toHex(signer.vkey.hash)}`);
    createOnly(to, withSignatures(checkpoint, [parseSignature(body.trimEnd())]));
    cli.out(to);
  } finally {
    state.close();
  }
}

function parsed(file: string, bytes: Uint8Array): SignedCheckpoint {
  try {
    return parseCheckpoint(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new CountersignError('USAGE', `${file}: ${error.message}`);
    throw error;
  }
}

function refusal(status: number, body: string, old: number, { origin, size }: SignedCheckpoint): string {
  if (status === 400 || (status === 409 && size < old)) {
    return `${old} entries of ${visibleLine(origin)} were seen here before, and this checkpoint is of ${size}: the log was put back`;
  }
  if (status === 409 || status === 422) {
    return `this is another history than the ${old} entries of ${visibleLine(origin)} that were seen here before`;
  }
  return visibleLine(body.trim());
}

export function registerWitness(program: Command, cli: Cli): void {
  const witness = program.command('witness').description('remembers the newest head of each device’s log, and cosigns');
  const withFolder = (command: Command) =>
    command
      .option('--folder <folder>', 'where the witness keeps its key and its memory', DEFAULT_FOLDER)
      .option('--passphrase-file <file>', 'the passphrase of its key, for scripts (mode 0600)');
  const trust = ['--trust <folder>', 'witness every device that this trust (root.vkey and notes) lets count'] as const;
  withFolder(witness.command('init <name>'))
    .description('make a witness, called as its address without scheme: witness.example/w1')
    .option('--no-passphrase', 'leave the key unencrypted in a file of this user, for a service that starts alone')
    .action((name: string, options: FolderOptions & { passphrase: boolean }) => init(cli, name, options));
  withFolder(witness.command('add <vkeys...>'))
    .description('witness these logs (keys, or files with one)')
    .action((keys: string[], options: FolderOptions) => addLogs(cli, keys, options));
  withFolder(witness.command('serve'))
    .description('answer devices over HTTP (C2SP tlog-witness) until ^C')
    .option('--listen <address>', 'address and port', '127.0.0.1:7717')
    .option('--tls-cert <file>', 'PEM of its certificate, with those that signed it')
    .option('--tls-key <file>', 'PEM of that one’s key')
    .option(...trust)
    .action((options: ServeOptions) => serve(cli, options));
  withFolder(witness.command('cosign <checkpoint>'))
    .description('cosign a checkpoint.<size> in a copy of the store, after holding it against the last one seen')
    .option(...trust)
    .action((file: string, options: FolderOptions & { trust?: string }) => cosign(cli, file, options));
}
