import { equal } from './bytes.ts';
import { nodeHash, rootOf, type Sha256, split } from './merkle.ts';

/**
 * The subtrees whose roots are the proof that the tree of `size` leaves continues the one of `old`
 * (RFC 6962 section 2.1.2), each as [first leaf, leaf after the last]. 0 < old ≤ size.
 */
export function consistencyRanges(old: number, size: number): [number, number][] {
  const subproof = (begin: number, end: number, m: number, known: boolean): [number, number][] => {
    const n = end - begin;
    if (m === n) return known ? [] : [[begin, end]];
    const k = split(n);
    return m <= k
      ? [...subproof(begin, begin + k, m, known), [begin + k, end]]
      : [...subproof(begin + k, end, m - k, false), [begin, begin + k]];
  };
  return subproof(0, size, old, true);
}

/** PROOF(old, leaves) of RFC 6962 section 2.1.2; `leaves` are leaf hashes. */
export const consistencyProof = (sha256: Sha256, leaves: readonly Uint8Array[], old: number): Uint8Array[] =>
  old === 0 ? [] : consistencyRanges(old, leaves.length).map(([from, to]) => rootOf(sha256, leaves.slice(from, to)));

function isPowerOfTwo(n: number): boolean {
  let odd = n;
  while (odd % 2 === 0) odd /= 2;
  return odd === 1;
}

/** RFC 9162 section 2.1.4.2. Everything continues the empty tree. */
export function verifyConsistency(
  sha256: Sha256,
  old: { size: number; root: Uint8Array },
  head: { size: number; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (old.size > head.size || proof.some((hash) => hash.length !== 32)) return false;
  if (old.size === 0) return proof.length === 0 && equal(old.root, sha256(new Uint8Array(0)));
  if (old.size === head.size) return proof.length === 0 && equal(old.root, head.root);
  const path = isPowerOfTwo(old.size) ? [old.root, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let fn = old.size - 1;
  let sn = head.size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let before = first;
  let after = first;
  for (const hash of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      before = nodeHash(sha256, hash, before);
      after = nodeHash(sha256, hash, after);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      after = nodeHash(sha256, after, hash);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equal(before, old.root) && equal(after, head.root);
}
