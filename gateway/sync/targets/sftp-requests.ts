import type { FileEntryWithStats, InputAttributes, OpenMode, Stats } from 'ssh2';
import { isAnswer, type SftpConnection } from './sftp-connection.ts';

/** Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, 7). It has none for "exists" or "full": both are a failure. */
const STATUS = { eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

/** What every server gives in one packet. */
const PIECE = 32 * 1024;
/** Bytes on their way at once, which is the window of a channel. */
const WINDOW = 2 * 1024 * 1024;
const FLYING = WINDOW / PIECE;

export const isDenied = (error: unknown) =>
  isAnswer(error) && (error.code === STATUS.permissionDenied || error.code === STATUS.unsupported);
export const isMissing = (error: unknown) => isAnswer(error) && error.code === STATUS.noSuchFile;
export const isFailure = (error: unknown) => isAnswer(error) && !isDenied(error) && !isMissing(error);

/** SFTP's requests as promises; each throws as SftpConnection.request does. */
export function requestsOf(connection: SftpConnection, signal: AbortSignal) {
  const { request, writeBytes } = connection;
  const open = (path: string, flags: OpenMode, attributes: InputAttributes = {}) =>
    request<Buffer>(signal, (sftp, done) => sftp.open(path, flags, attributes, done));
  const close = (handle: Buffer) => request<void>(signal, (sftp, done) => sftp.close(handle, done));
  const write = (handle: Buffer, bytes: Buffer, at: number) =>
    request<void>(signal, (sftp, done) => sftp.write(handle, bytes, 0, bytes.length, at, done));

  /** Brings a file to the server's disk where the server can be told to. */
  const sync = (handle: Buffer) =>
    request<void>(signal, (sftp, done) => sftp.ext_openssh_fsync(handle, done)).catch((error) => {
      if (!isAnswer(error) && !isNoExtension(error)) throw error;
    });

  /** As many bytes as are asked for, fewer at the end of the file. */
  async function readPiece(handle: Buffer, at: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(PIECE);
    let length = 0;
    while (length < PIECE) {
      const read = await request<number>(signal, (sftp, done) =>
        sftp.read(handle, piece, length, PIECE - length, at + length, done),
      ).catch((error) => (isAnswer(error) && error.code === STATUS.eof ? 0 : Promise.reject(error)));
      if (!read) break;
      length += read;
    }
    return piece.subarray(0, length);
  }

  return {
    open,
    close,
    stat: (path: string) => request<Stats>(signal, (sftp, done) => sftp.stat(path, done)),
    fstat: (handle: Buffer) => request<Stats>(signal, (sftp, done) => sftp.fstat(handle, done)),
    mkdir: (path: string) => request<void>(signal, (sftp, done) => sftp.mkdir(path, { mode: 0o750 }, done)),
    /** Fails where the new name is there, on OpenSSH and as version 3 wants it. */
    rename: (from: string, to: string) => request<void>(signal, (sftp, done) => sftp.rename(from, to, done)),
    /** Replaces what is there. */
    posixRename: (from: string, to: string) =>
      request<void>(signal, (sftp, done) => sftp.ext_openssh_rename(from, to, done)),
    remove: (path: string) => request<void>(signal, (sftp, done) => sftp.unlink(path, done)),
    setMode: (path: string, mode: number) => request<void>(signal, (sftp, done) => sftp.chmod(path, mode, done)),
    truncate: (path: string) => request<void>(signal, (sftp, done) => sftp.setstat(path, { size: 0 }, done)),
    /** Whether the disk below has no room; null where the server does not say. */
    isFull: (path: string) =>
      request<{ f_bavail: number; f_ffree: number }>(signal, (sftp, done) => sftp.ext_openssh_statvfs(path, done)).then(
        ({ f_bavail, f_ffree }) => f_bavail === 0 || f_ffree === 0,
        () => null,
      ),

    /** Entries of a folder, up to a maximum and not much more. */
    async entries(path: string, most: number): Promise<FileEntryWithStats[]> {
      const handle = await request<Buffer>(signal, (sftp, done) => sftp.opendir(path, done));
      const all: FileEntryWithStats[] = [];
      try {
        while (all.length <= most) {
          const some = await request<FileEntryWithStats[]>(signal, (sftp, done) => sftp.readdir(handle, done)).catch(
            (error) => (isAnswer(error) && error.code === STATUS.eof ? null : Promise.reject(error)),
          );
          // A server that names nothing more and does not say that it is the end would be asked for ever.
          if (some === null || some.length === 0) break;
          all.push(...some);
        }
      } finally {
        await close(handle).catch(() => {});
      }
      return all;
    },

    /** Writes, brings to the disk and closes, in this order and without waiting for each answer, but for all in the end. */
    async fill(handle: Buffer, chunks: AsyncIterable<Uint8Array>): Promise<void> {
      const flying: Promise<void>[] = [];
      const send = (sent: Promise<void>) => {
        sent.catch(() => {});
        flying.push(sent);
      };
      try {
        let at = 0;
        for await (const chunk of chunks) {
          for (let from = 0; from < chunk.length; from += writeBytes) {
            const length = Math.min(writeBytes, chunk.length - from);
            send(write(handle, Buffer.from(chunk.buffer, chunk.byteOffset + from, length), at));
            at += length;
            if (flying.length * writeBytes >= WINDOW) await flying.shift();
          }
        }
        send(sync(handle));
      } finally {
        send(close(handle));
      }
      for (const sent of flying) await sent;
    },

    async *readAll(handle: Buffer): AsyncGenerator<Uint8Array> {
      const flying: Promise<Buffer>[] = [];
      for (let at = 0; ; ) {
        for (; flying.length < FLYING; at += PIECE) {
          const piece = readPiece(handle, at);
          piece.catch(() => {});
          flying.push(piece);
        }
        const piece = await (flying.shift() as Promise<Buffer>);
        if (piece.length > 0) yield piece;
        if (piece.length < PIECE) return;
      }
    },
  };
}

export type SftpRequests = ReturnType<typeof requestsOf>;

/** ssh2 throws at once where the server did not announce an extension. */
const isNoExtension = (error: unknown) =>
  error instanceof Error && /does not support this extended request/.test(error.message);

export async function sizeOf(requests: SftpRequests, path: string): Promise<number | null> {
  return await requests.stat(path).then(
    (stats) => stats.size,
    (error) => (isMissing(error) ? null : Promise.reject(error)),
  );
}

/** For `.catch`: what to take instead where the server forbids it, or has no such file. */
export function ifDenied<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (!isDenied(error)) throw error;
    return instead;
  };
}
export function ifMissing<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (!isMissing(error)) throw error;
    return instead;
  };
}
