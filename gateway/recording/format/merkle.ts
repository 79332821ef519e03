import { equal } from './bytes.ts';

/** The Merkle tree of RFC 6962 section 2.1 (SHA-256). */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** SHA-256(0x00 ‖ entry). */
export function leafHash(sha256: Sha256, entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(entry.length + 1);
  input.set(entry, 1);
  return sha256(input);
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(65);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 33);
  return sha256(input);
}

/** Keeps the roots of the complete subtrees only: enough to append and to give the root at any size. */
export class Frontier {
  size = 0;
  /** Left to right, largest subtree first. */
  private readonly roots: { hash: Uint8Array; leaves: number }[] = [];
  private readonly sha256: Sha256;

  constructor(sha256: Sha256) {
    this.sha256 = sha256;
  }

  /** @param leaves of a complete subtree whose root is added in one; the size so far is a multiple of it. */
  add(leaf: Uint8Array, leaves = 1): void {
    this.size += leaves;
    let node = { hash: leaf, leaves };
    for (let last = this.roots.at(-1); last !== undefined && last.leaves === node.leaves; last = this.roots.at(-1)) {
      this.roots.pop();
      node = { hash: nodeHash(this.sha256, last.hash, node.hash), leaves: node.leaves * 2 };
    }
    this.roots.push(node);
  }

  /** @param tail root of a smaller subtree that follows what was added. */
  root(tail: Uint8Array | null = null): Uint8Array {
    let hash = tail;
    for (let i = this.roots.length - 1; i >= 0; i -= 1) {
      const { hash: left } = this.roots[i]!;
      hash = hash === null ? left : nodeHash(this.sha256, left, hash);
    }
    return hash ?? this.sha256(new Uint8Array(0));
  }
}

export function rootOf(sha256: Sha256, leaves: readonly Uint8Array[]): Uint8Array {
  const frontier = new Frontier(sha256);
  for (const leaf of leaves) frontier.add(leaf);
  return frontier.root();
}

/** Largest power of two below `n` (n ≥ 2). */
export function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** PATH(index, leaves) of RFC 6962 section 2.1.1. */
export function inclusionProof(sha256: Sha256, leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...inclusionProof(sha256, leaves.slice(0, k), index), rootOf(sha256, leaves.slice(k))]
    : [...inclusionProof(sha256, leaves.slice(k), index - k), rootOf(sha256, leaves.slice(0, k))];
}

/** RFC 9162 section 2.1.3.2. */
export function verifyInclusion(
  sha256: Sha256,
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0 || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const node of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sha256, node, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = nodeHash(sha256, hash, node);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equal(hash, root);
}
