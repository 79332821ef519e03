import type { FrameScanner } from '../codec/frame-scanner.ts';
import {
  readBind,
  readClose,
  readDescribe,
  readExecute,
  readFunctionCall,
  readParse,
  readQuery,
} from '../codec/frontend.ts';
import { frontend } from '../codec/messages.ts';
import { splitStatements } from './split.ts';

/** A message of the client that the server answers, in the order of sending. */
export type Request = { atMs: number } & (
  | { kind: 'query'; text: string; parts: () => string[] }
  | { kind: 'parse'; name: string; text: string; types: number[] }
  | {
      kind: 'bind';
      portal: string;
      statement: string;
      formats: number[];
      values: (Uint8Array | null)[];
      resultFormats: number[];
    }
  | { kind: 'describe'; target: 'statement' | 'portal'; name: string }
  | { kind: 'execute'; portal: string }
  | { kind: 'close'; target: 'statement' | 'portal'; name: string }
  | { kind: 'function'; oid: number }
  | { kind: 'sync' }
);

/** The scanner's present message as a request; null for what has no answer of its own (Flush, Terminate, COPY). */
export function readRequest(scanner: FrameScanner, atMs: number): Request | null {
  const { bytes, bodyStart, end } = scanner;
  switch (scanner.type) {
    case frontend.Query: {
      const { text } = readQuery(bytes, bodyStart, end);
      let parts: string[] | null = null;
      return {
        kind: 'query',
        atMs,
        text,
        parts: () => {
          parts ??= splitStatements(text);
          return parts;
        },
      };
    }
    case frontend.Parse: {
      const { statement, text, parameterTypes } = readParse(bytes, bodyStart, end);
      return { kind: 'parse', atMs, name: statement, text, types: parameterTypes };
    }
    case frontend.Bind: {
      const bind = readBind(bytes, bodyStart, end);
      return {
        kind: 'bind',
        atMs,
        portal: bind.portal,
        statement: bind.statement,
        formats: bind.parameterFormats,
        // Copies: the bytes are the scanner's or the reader's, and the types are known only at BindComplete.
        values: bind.parameters.map(({ start, length }) => (length < 0 ? null : bytes.slice(start, start + length))),
        resultFormats: bind.resultFormats,
      };
    }
    case frontend.Describe: {
      const { kind, name } = readDescribe(bytes, bodyStart, end);
      return { kind: 'describe', atMs, target: kind, name };
    }
    case frontend.Execute:
      return { kind: 'execute', atMs, portal: readExecute(bytes, bodyStart, end).portal };
    case frontend.Close: {
      const { kind, name } = readClose(bytes, bodyStart, end);
      return { kind: 'close', atMs, target: kind, name };
    }
    case frontend.FunctionCall:
      return { kind: 'function', atMs, oid: readFunctionCall(bytes, bodyStart, end).functionOid };
    case frontend.Sync:
      return { kind: 'sync', atMs };
    default:
      return null;
  }
}
