import { createHmac } from 'node:crypto';
import type { Entity } from '../../../contract/connection.ts';
import type { McpServer } from '../../../contract/mcp.ts';
import { createMaskActions, marker } from '../../../masking/actions.ts';
import type { Finding } from '../../../masking/detectors/findings.ts';
import { createScanner } from '../../../masking/detectors/scanner.ts';
import { type Json, mapStrings } from '../codec/json.ts';

/** What never goes into a recording, and is told to policy when an agent sends it. */
const SECRETS: readonly Entity[] = ['AWS_ACCESS_KEY', 'JWT', 'PRIVATE_KEY', 'SECRET_TOKEN', 'CONNECTION_STRING'];
const SECRET_SCORE = 0.5;

export interface Sensitive {
  /** Secrets replaced by their kind, and which kinds there were. */
  withoutSecrets(value: Json): { value: Json; kinds: string[] };
  /** What the client may see of a server's words; counts by entity are added to `counts`. */
  masked(value: Json, counts: Record<string, number>): Json;
  /** Binds to a text that is not shown: whoever has no key cannot try what it was. Hex. */
  keyedHash(text: string): string;
}

/** Fields whose strings are bytes in base64, which hold no text. */
const BINARY = new Set(['blob', 'data']);

/** @param key 32 bytes of this server's own. */
export function createSensitive(server: McpServer, key: Uint8Array): Sensitive {
  const secretScanner = createScanner(SECRETS, SECRET_SCORE);
  const { enabled, scoreThreshold, entities } = server.detectors;
  const looked = Object.keys(entities) as Entity[];
  const scanner =
    server.masking === 'on' && enabled && looked.length > 0 ? createScanner(looked, scoreThreshold) : null;
  const actions = createMaskActions(key);

  return {
    withoutSecrets(value) {
      const kinds = new Set<string>();
      const replaced = mapStrings(value, (text) =>
        splice(text, secretScanner, ({ entity }) => {
          kinds.add(entity);
          return marker(entity);
        }),
      );
      return { value: replaced, kinds: [...kinds].sort() };
    },
    masked(value, counts) {
      if (scanner === null) return value;
      return mapStrings(value, (text, field) => {
        if (BINARY.has(field) && text.length > 256 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text;
        return splice(text, scanner, ({ entity }, bytes) => {
          counts[entity] = (counts[entity] ?? 0) + 1;
          return actions.apply(entities[entity] ?? 'redact', entity, bytes);
        });
      });
    },
    keyedHash: (text) => createHmac('sha256', key).update('countersign mcp binding\n').update(text).digest('hex'),
  };
}

function splice(
  text: string,
  scanner: ReturnType<typeof createScanner>,
  replace: (finding: Finding, bytes: Uint8Array) => Uint8Array,
): string {
  if (text.length < 4) return text;
  const bytes = Buffer.from(text, 'utf8');
  const found = scanner.scan(bytes, 0, bytes.length);
  if (found === null) return text;
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const finding of found) {
    parts.push(bytes.subarray(at, finding.start), replace(finding, bytes.subarray(finding.start, finding.end)));
    at = finding.end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts).toString('utf8');
}
