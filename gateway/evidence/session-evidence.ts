import type { BundleEvidence } from '../recording/bundle.ts';
import { inclusionProof, leafHash } from '../recording/format/merkle.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { formatProof } from './format/tlog-proof.ts';

export interface EvidenceSource {
  /** Trust notes as `000001.note`, and the device's documents as `<key hash>.note` and the like. */
  trust: readonly BundleEvidence[];
  identity: readonly BundleEvidence[];
  /** The device's log from its first entry. */
  entries: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** A head of it, with the cosignatures that were found. */
  head: { size: number; note: Uint8Array };
  /** Time stamps of the head. */
  stamps: readonly Uint8Array[];
}

const WANTED: Readonly<Record<string, string>> = { 'session-opened': 'opened', 'session-closed': 'closed' };

/**
 * What a bundle carries so that its session verifies from the root alone (SPEC.md, "Bundles"): nothing of other
 * sessions but hashes. Memory: 32 bytes an entry of the log.
 */
export async function sessionEvidence(sid: string, source: EvidenceSource): Promise<BundleEvidence[]> {
  const leaves: Uint8Array[] = [];
  const found: { name: string; index: number; bytes: Uint8Array }[] = [];
  for await (const bytes of source.entries) {
    if (leaves.length === source.head.size) break;
    const { type, sid: of } = JSON.parse(new TextDecoder().decode(bytes)) as { type: string; sid?: string };
    const name = of === sid ? WANTED[type] : undefined;
    if (name !== undefined) found.push({ name, index: leaves.length, bytes: bytes.slice() });
    leaves.push(leafHash(p.sha256, bytes));
  }
  const proofs = found.flatMap(({ name, index, bytes }) => [
    { name: `evidence/${name}.json`, bytes },
    {
      name: `evidence/${name}.tlog-proof`,
      bytes: formatProof(index, inclusionProof(p.sha256, leaves, index), source.head.note),
    },
  ]);
  return [
    ...source.trust.map(({ name, bytes }) => ({ name: `evidence/trust/${name}`, bytes })),
    ...source.identity.map(({ name, bytes }) => ({ name: `evidence/identity/${name}`, bytes })),
    ...proofs,
    ...source.stamps.map((bytes, i) => ({ name: `evidence/${i + 1}.tsr`, bytes })),
  ];
}
