import type { Operation } from './operation.ts';

/** What an approval is bound to. The agent and its effects are derived or shown, not approved. */
export type DigestInput = Pick<
  Operation,
  'sessionId' | 'connectionId' | 'database' | 'role' | 'searchPath' | 'text' | 'parameters' | 'transaction'
> & { subject: string };

/**
 * Canonical bytes of an operation: a version line, then each part as `<length in bytes>:<utf-8 bytes>\n`,
 * so that no two different operations share a form.
 */
export function canonicalOperation(input: DigestInput): Uint8Array {
  const encoder = new TextEncoder();
  const parts: string[] = [
    input.sessionId,
    input.subject,
    input.connectionId,
    input.database,
    input.role,
    input.searchPath,
    input.transaction,
    input.text,
    String(input.parameters.length),
    ...input.parameters.flatMap((p) => [String(p.type), p.format, p.value === null ? 'null' : `=${p.value}`]),
  ];
  const chunks = parts.map((part) => {
    const bytes = encoder.encode(part);
    return [encoder.encode(`${bytes.length}:`), bytes, encoder.encode('\n')];
  });
  const all = [encoder.encode('countersign/operation/v1\n'), ...chunks.flat()];
  const out = new Uint8Array(all.reduce((n, b) => n + b.length, 0));
  let offset = 0;
  for (const bytes of all) {
    out.set(bytes, offset);
    offset += bytes.length;
  }
  return out;
}
