import { z } from 'zod';

/**
 * Imported before everything else: what runs under `default-src 'none'` needs it in place first.
 * zod would probe `eval`; some libraries create style elements without a nonce or set `style` as an
 * attribute, which the policy refuses, while the same through the object model is allowed.
 */
z.config({ jitless: true });

const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');

/** The nonce of this response, as the server put it into index.html. */
export const cspNonce = meta?.nonce || meta?.getAttribute('nonce') || '';

const createElement = Document.prototype.createElement;
Document.prototype.createElement = function patchedCreateElement(
  this: Document,
  name: string,
  options?: ElementCreationOptions,
): HTMLElement {
  const element = createElement.call(this, name, options);
  if (name.toLowerCase() === 'style') element.nonce = cspNonce;
  return element;
} as typeof Document.prototype.createElement;

const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function patchedSetAttribute(this: Element, name: string, value: string): void {
  if (name.toLowerCase() === 'style' && this instanceof HTMLElement) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};
