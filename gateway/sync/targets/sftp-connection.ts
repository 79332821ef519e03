import { readFileSync, statSync } from 'node:fs';
import ssh2, { type ConnectConfig, type ServerHostKeyAlgorithm, type SFTPWrapper } from 'ssh2';
import { isCountersignError } from '../../contract/errors.ts';
import type { SftpConfig } from './config.ts';
import { refused, unreachable, words } from './failures.ts';
import { algorithmsFor, fingerprint, parsePin, typeOf } from './host-keys.ts';
import type { Secrets } from './secrets.ts';

const CONNECT_MS = 20_000;
const KEEPALIVE_MS = 5_000;
const KEEPALIVES_MISSED = 3;
const REQUEST_MS = 30_000;
const MAX_KEY_FILE = 64 * 1024;

/** One connection with its one SFTP channel, until either is lost. */
export interface SftpConnection {
  readonly lost: boolean;
  /** Bytes that one request may write: what the server says, or what every server takes. */
  readonly writeBytes: number;
  /**
   * One request. Throws what the server answers (`code` is SFTP's status), SYNC_UNREACHABLE when the connection is
   * lost or the answer does not come in time, the signal's reason.
   */
  request<T>(signal: AbortSignal, call: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T>;
  end(): void;
}

export type Done<T> = (error: unknown, result?: T) => void;

/** Throws SYNC_UNREACHABLE, SYNC_REFUSED, the signal's reason. */
export async function connectSftp(config: SftpConfig, secrets: Secrets, signal: AbortSignal): Promise<SftpConnection> {
  signal.throwIfAborted();
  const place = `${config.host}:${config.port}`;
  const login = await loginOf(config, secrets);
  const pins = config.hostKeys.map(parsePin);
  const algorithms = algorithmsFor(pins) as ServerHostKeyAlgorithm[] | null;
  const client = new ssh2.Client();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  let isLost = false;
  let wrongKey: Uint8Array | null = null;

  const lose = (error: unknown) => {
    isLost = true;
    lost.reject(wrongKey === null ? inWords(error, config, place) : wrongHostKey(wrongKey, place));
    client.destroy();
  };
  client.on('error', lose);
  client.on('close', () => lose(new Error('the connection was closed')));
  client.on('keyboard-interactive', (_name, _instructions, _lang, prompts, finish) => {
    // Servers that ask for the password through PAM ask one thing, unseen. Anything else is no place for it.
    finish(prompts.length === 1 && prompts[0]?.echo === false ? [login.password ?? ''] : []);
  });
  const ready = new Promise<void>((done) => client.once('ready', done));
  // Without it each small packet waits for the answer to the one before.
  client.once('connect', () => client.setNoDelay(true));
  const aborted = () => lose(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    client.connect({
      ...login,
      host: config.host,
      port: config.port,
      username: config.user,
      readyTimeout: CONNECT_MS,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVES_MISSED,
      ...(algorithms === null ? {} : { algorithms: { serverHostKey: algorithms } }),
      hostVerifier: (key: Buffer) => {
        if (pins.some((pin) => pin.fingerprint === fingerprint(key))) return true;
        wrongKey = key;
        return false;
      },
    });
    await Promise.race([ready, lost.promise]);
    const opened = new Promise<SFTPWrapper>((done, fail) => {
      client.sftp((error, wrapper) => {
        if (error) fail(refused(`${place} lets ${config.user} in and offers no SFTP.`, error));
        else done(wrapper);
      });
    });
    const sftp = await Promise.race([opened, lost.promise, late(place)]);
    sftp.on('error', lose);
    sftp.on('close', () => lose(new Error('the channel was closed')));
    return {
      get lost() {
        return isLost;
      },
      writeBytes: writeBytesOf(sftp),
      request: (requestSignal, call) => request(sftp, lost.promise, lose, place, requestSignal, call),
      end: () => lose(new Error('the connection was ended')),
    };
  } catch (error) {
    lose(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

/** What a server takes in one packet that says nothing of it (draft-ietf-secsh-filexfer-02, 3). */
const PIECE = 32 * 1024;
/** OpenSSH takes 255 KiB; this divides what files are read in. */
const LARGEST = 128 * 1024;

/**
 * ssh2 asks for limits@openssh.com and tells nobody; a longer write it cuts, and sends the second half only when the
 * first was answered. Eight times fewer requests make an upload half as long again as fast.
 */
function writeBytesOf(sftp: SFTPWrapper): number {
  const { _maxWriteLen: most } = sftp as unknown as { _maxWriteLen?: unknown };
  return typeof most === 'number' && most > 0 ? Math.min(most, LARGEST) : PIECE;
}

/** Rejects when a server that took the connection says nothing more. */
function late(place: string): Promise<never> {
  return new Promise((_, fail) => {
    setTimeout(() => fail(unreachable(`${place} does not answer.`)), CONNECT_MS).unref();
  });
}

async function request<T>(
  sftp: SFTPWrapper,
  lost: Promise<never>,
  lose: (error: unknown) => void,
  place: string,
  signal: AbortSignal,
  call: (sftp: SFTPWrapper, done: Done<T>) => void,
): Promise<T> {
  signal.throwIfAborted();
  const answer = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    const error = unreachable(`${place} does not answer.`);
    answer.reject(error);
    lose(error);
  }, REQUEST_MS);
  const aborted = () => answer.reject(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    call(sftp, (error, result) => {
      // Where the connection went, `lost` says it better than "No response from server".
      if (isAnswer(error)) answer.reject(error);
      else if (!error) answer.resolve(result as T);
    });
    return await Promise.race([answer.promise, lost]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  }
}

/** SFTP's status codes are small numbers; ssh2's own errors have none. */
export function isAnswer(error: unknown): error is Error & { code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}

function wrongHostKey(key: Uint8Array, place: string): Error {
  const shown = `${typeOf(key)} ${fingerprint(key)}`;
  return refused(
    `The host key of ${place} is not one that was pinned: the server showed ${shown}. Pin it once the server’s administrator has confirmed it; until then somebody may be in between.`,
  );
}

function inWords(error: unknown, config: SftpConfig, place: string): unknown {
  if (isCountersignError(error) || !(error instanceof Error) || error.name === 'AbortError') return error;
  const { level } = error as { level?: string };
  if (level === 'client-authentication' || level === 'agent') {
    return refused(`${place} does not let ${config.user} in with the ${METHODS[config.auth.method]}.`, error);
  }
  if (level === 'handshake') {
    return refused(`${place} and this gateway agree on no way to speak SSH: ${words(error.message)}.`, error);
  }
  return unreachable(`${place} cannot be reached: ${words(error.message)}.`, error);
}

const METHODS = {
  'key-file': 'key of the configuration',
  key: 'key of the vault',
  agent: 'keys of the SSH agent',
  password: 'password of the vault',
} as const;

async function loginOf({ auth, user }: SftpConfig, secrets: Secrets): Promise<Partial<ConnectConfig>> {
  switch (auth.method) {
    case 'password': {
      const methods = ['password', 'keyboard-interactive'] as const;
      return { password: await secrets(auth.password), tryKeyboard: true, authHandler: [...methods] };
    }
    case 'agent': {
      const agent = auth.socket ?? process.env.SSH_AUTH_SOCK;
      if (!agent) throw refused('There is no SSH agent: SSH_AUTH_SOCK is not set where the gateway was started.');
      return { agent, authHandler: ['agent'] };
    }
    case 'key':
    case 'key-file': {
      const key = auth.method === 'key' ? await secrets(auth.key) : readKeyFile(auth.file);
      const passphrase = auth.passphrase === undefined ? undefined : await secrets(auth.passphrase);
      const parsed = ssh2.utils.parseKey(key, passphrase);
      // The reason may quote what it was given, so only what can be done about it is said.
      if (parsed instanceof Error || !parsed.isPrivateKey()) {
        throw refused(`The key of ${user} cannot be used: it is no private key, or its passphrase is another.`);
      }
      return { privateKey: key, passphrase, authHandler: ['publickey'] };
    }
  }
}

function readKeyFile(file: string): string {
  try {
    const { mode, size } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw refused(`${file} can be read by others than its owner; chmod 600 it.`);
    }
    if (size > MAX_KEY_FILE) throw refused(`${file} is no private key.`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isCountersignError(error)) throw error;
    throw refused(`The key file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, error);
  }
}
