import type { ReadRange, RecordedEvent, RecordedExchange, RecordedSession, StreamedPiece } from './recorded.ts';

const pending = (): never => {
  throw new Error('not built yet');
};

/** Folders of sessions under `<dir>/sessions`, oldest first (ULIDs sort by time). */
export async function* sessionFolders(_dir: string): AsyncGenerator<string> {
  pending();
  yield '';
}

/** The folder of one session, or null. */
export async function findSession(_dir: string, _id: string): Promise<string | null> {
  return pending();
}

/** Who, what, when of one session. Throws RECORDING_UNREADABLE when its open event cannot be read. */
export async function readSession(_folder: string): Promise<RecordedSession> {
  return pending();
}

export async function* events(_folder: string): AsyncGenerator<RecordedEvent> {
  pending();
  yield* [];
}

/** Exchanges in the order they ended. */
export async function* exchanges(_folder: string, _range: ReadRange = {}): AsyncGenerator<RecordedExchange> {
  pending();
  yield* [];
}

/** Every piece from `fromUnit` to `toUnit` (exclusive) in order, holding one container at a time. */
export async function* pieces(
  _folder: string,
  _range: { fromUnit?: number; toUnit?: number; exchange?: number } = {},
): AsyncGenerator<StreamedPiece> {
  pending();
  yield* [];
}
