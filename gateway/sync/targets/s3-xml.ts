import { DOMParser, type Element, onErrorStopParsing } from '@xmldom/xmldom';
import { unreachable, words } from './failures.ts';

export interface S3Error {
  status: number;
  /** Such as `AccessDenied`; `HTTP 503` where the body says nothing. */
  code: string;
  /** For people, in the server's words. */
  message: string;
}

export interface ListedVersion {
  key: string;
  size: number;
  /** `null` where the bucket keeps no versions. */
  version: string;
}

export interface ListPage {
  objects: ListedVersion[];
  /** Delete markers: the store hides what was under the key, and keeps its versions. */
  deleted: Pick<ListedVersion, 'key' | 'version'>[];
  /** The query of the next page; null after the last. */
  next: Record<string, string> | null;
}

/** Never throws: what cannot be read is said by its status. */
export function parseError(status: number, text: string): S3Error {
  const none = { status, code: `HTTP ${status}`, message: '' };
  try {
    const root = parse(text);
    const code = textOf(root, 'Code') ?? '';
    return {
      status,
      code: /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : none.code,
      message: words(textOf(root, 'Message') ?? ''),
    };
  } catch {
    return none;
  }
}

/** ListObjectVersions, or ListObjectsV2 where a store does not know the former; both with `encoding-type=url`. */
export function parseList(text: string): ListPage {
  const root = parse(text);
  const encoded = textOf(root, 'EncodingType') === 'url';
  // Stores differ in whether a blank is `+`; names of objects have neither.
  const decode = (key: string) => (encoded ? decoded(key) : key);
  const entries = [...childrenOf(root, 'Version'), ...childrenOf(root, 'Contents')];
  const objects = entries.map((entry) => ({
    key: decode(textOf(entry, 'Key') ?? ''),
    size: Number(textOf(entry, 'Size')),
    version: textOf(entry, 'VersionId') ?? 'null',
  }));
  if (objects.some(({ key, size }) => key === '' || !Number.isSafeInteger(size) || size < 0)) throw odd();
  const deleted = childrenOf(root, 'DeleteMarker').map((marker) => ({
    key: decode(textOf(marker, 'Key') ?? ''),
    version: textOf(marker, 'VersionId') ?? 'null',
  }));
  if (textOf(root, 'IsTruncated') !== 'true') return { objects, deleted, next: null };
  const token = textOf(root, 'NextContinuationToken');
  if (token !== null) return { objects, deleted, next: { 'continuation-token': token } };
  const marker = textOf(root, 'NextKeyMarker');
  if (marker === null) throw odd();
  const version = textOf(root, 'NextVersionIdMarker');
  return {
    objects,
    deleted,
    next: { 'key-marker': decode(marker), ...(version ? { 'version-id-marker': version } : {}) },
  };
}

/** The text of one element anywhere in an answer, null where there is none. Throws SYNC_UNREACHABLE on what is no XML. */
export function findText(text: string, name: string): string | null {
  return parse(text).getElementsByTagName(name)[0]?.textContent ?? null;
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw odd();
  }
}

const odd = () => unreachable('The store answered with something else than S3 has.');

/** A page of 1000 versions has some 20,000 tags; each becomes an object in memory. */
const MAX_TAGS = 200_000;

function parse(text: string): Element {
  let tags = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) tags += 1;
  if (tags > MAX_TAGS) throw odd();
  try {
    const root = new DOMParser({ onError: onErrorStopParsing }).parseFromString(text, 'text/xml').documentElement;
    if (root !== null) return root;
  } catch {
    // Said below: a parser's words quote what it was given.
  }
  throw odd();
}

function childrenOf(parent: Element, name: string): Element[] {
  const found: Element[] = [];
  for (let child = parent.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeName === name) found.push(child as Element);
  }
  return found;
}

const textOf = (parent: Element, name: string) => childrenOf(parent, name)[0]?.textContent ?? null;
