import { DOMParser, type Element, onErrorStopParsing } from '@xmldom/xmldom';
import { FormatError } from '../../recording/format/primitives.ts';

export const NS = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const;
export type Vocabulary = keyof typeof NS;

const MAX_DEPTH = 64;
const MAX_ELEMENTS = 8192;

/**
 * XML as SAML needs it and no more: without document types, comments, processing instructions, CDATA sections and
 * entities of its own, since those are what two parsers read differently. Throws FormatError.
 *
 * @param most characters.
 */
export function readXml(text: string, most: number): Element {
  if (text.length > most) throw new FormatError(`it is longer than ${most} characters`);
  const body = text.replace(/^\uFEFF?<\?xml\s[^?<>]*\?>\s*/, '');
  // Well-formed XML has `<` in no value, so what stands here is markup.
  if (body.includes('<!')) throw new FormatError('it has a document type, a comment or a CDATA section');
  if (body.includes('<?')) throw new FormatError('it has a processing instruction');
  if (/&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/.test(body))
    throw new FormatError('it has an entity of its own');
  if (!isPlain(body)) throw new FormatError('it has characters that XML does not allow');
  let root: Element | null;
  try {
    root = new DOMParser({ onError: onErrorStopParsing }).parseFromString(body, 'text/xml').documentElement;
  } catch (cause) {
    throw new FormatError('it is not well-formed XML', { cause });
  }
  if (root === null) throw new FormatError('it is not XML');
  assertShallow(root);
  return root;
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== 9 && code !== 10 && code !== 13) || code === 0xfffd || code >= 0xfffe) return false;
  }
  return true;
}

function assertShallow(root: Element): void {
  let level = [root];
  let count = 1;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw new FormatError(`its elements lie more than ${MAX_DEPTH} deep`);
    level = level.flatMap(elementsOf);
    count += level.length;
    if (count > MAX_ELEMENTS) throw new FormatError(`it has more than ${MAX_ELEMENTS} elements`);
  }
}

/** Its child elements, in order. */
export function elementsOf(parent: Element): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling)
    if (node.nodeType === 1) found.push(node as Element);
  return found;
}

/** All elements below, in order, and itself. */
export function allOf(root: Element): Element[] {
  return [root, ...elementsOf(root).flatMap(allOf)];
}

export const isA = (element: Element, vocabulary: Vocabulary, name: string): boolean =>
  element.localName === name && element.namespaceURI === NS[vocabulary];

export const childrenOf = (parent: Element, vocabulary: Vocabulary, name: string): Element[] =>
  elementsOf(parent).filter((child) => isA(child, vocabulary, name));

/** The one child of this name, or null. Throws FormatError where there are several. */
export function childOf(parent: Element, vocabulary: Vocabulary, name: string): Element | null {
  const [first, second] = childrenOf(parent, vocabulary, name);
  if (second !== undefined) throw new FormatError(`it has several ${name} elements in one place`);
  return first ?? null;
}

/** Throws FormatError where it is not there. */
export function need(parent: Element, vocabulary: Vocabulary, name: string): Element {
  const found = childOf(parent, vocabulary, name);
  if (found === null) throw new FormatError(`it has no ${name}`);
  return found;
}

/** Its text without the space around it; null where it has elements inside, or no text. */
export function textOf(element: Element): string | null {
  if (elementsOf(element).length > 0) return null;
  const text = (element.textContent ?? '').trim();
  return text === '' ? null : text;
}

export const attribute = (element: Element, name: string): string | null =>
  element.hasAttribute(name) ? element.getAttribute(name) : null;

/** An xs:dateTime in UTC, as SAML core 1.3.3 has it, in milliseconds since the epoch; null where it is not there. */
export function instant(element: Element, name: string): number | null {
  const text = attribute(element, name);
  if (text === null) return null;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new FormatError(`its ${name} is no time in UTC`);
  return time;
}
