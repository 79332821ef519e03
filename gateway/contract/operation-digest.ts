import type { ActionOperation, StatementOperation } from './operation.ts';

/** What an approval is bound to. The agent and its effects are derived or shown, not approved. */
export type StatementDigestInput = Pick<
  StatementOperation,
  'sessionId' | 'connectionId' | 'database' | 'role' | 'searchPath' | 'text' | 'parameters' | 'transaction'
> & { subject: string };

export type ActionDigestInput = Pick<
  ActionOperation,
  'sessionId' | 'connectionId' | 'protocol' | 'tool' | 'place' | 'text' | 'bindings'
> & { subject: string };

/** Canonical bytes of a statement; recording/SPEC.md, "What an approval was for". */
export function canonicalStatement(input: StatementDigestInput): Uint8Array {
  return canonical('countersign/operation/v1', [
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
  ]);
}

/** Canonical bytes of an action; recording/SPEC.md, "What an approval was for". */
export function canonicalAction(input: ActionDigestInput): Uint8Array {
  return canonical('countersign/action/v1', [
    input.sessionId,
    input.subject,
    input.connectionId,
    input.protocol,
    input.tool,
    input.place,
    input.text,
    String(input.bindings.length),
    ...input.bindings.flatMap(({ name, value }) => [name, value]),
  ]);
}

/** A version line, then each part as `<length in bytes>:<utf-8 bytes>\n`: no two different lists share a form. */
function canonical(version: string, parts: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const chunks = parts.map((part) => {
    const bytes = encoder.encode(part);
    return [encoder.encode(`${bytes.length}:`), bytes, encoder.encode('\n')];
  });
  const all = [encoder.encode(`${version}\n`), ...chunks.flat()];
  const out = new Uint8Array(all.reduce((n, b) => n + b.length, 0));
  let offset = 0;
  for (const bytes of all) {
    out.set(bytes, offset);
    offset += bytes.length;
  }
  return out;
}
