import { randomBytes } from 'node:crypto';
import { generateServiceProviderMetadata, type SamlConfig as NodeSamlConfig, SAML } from '@node-saml/node-saml';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { ProviderConfig, SamlConfig } from '../../contract/sign-in.ts';
import { claimsOf } from '../../evidence/saml/assertion.ts';
import {
  assertEncryption,
  isSuccess,
  MAX_RESPONSE,
  readResponse,
  type VerifiedResponse,
  verifyResponse,
} from '../../evidence/saml/response.ts';
import type { SamlKey } from '../../evidence/saml/signatures.ts';
import type { Clock, Vault } from '../../pipeline/ports.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { boundedFetch } from '../oidc/fetch.ts';
import { objection } from './conditions.ts';
import { type IdpMetadata, pemOf, readMetadata } from './metadata.ts';
import { type ServiceKey, serviceKey } from './service-key.ts';

/** A request that was sent, and what its answer is held against. */
export interface SamlRequest {
  id: string;
  relayState: string;
  provider: IdpMetadata;
}

/** What a provider said of a person, verified, in the form of an ID token's claims. */
export interface SamlSignIn {
  claims: Readonly<Record<string, unknown>>;
  saml: { response: string; assertion: string | null };
}

/**
 * One provider of SAML 2.0 (web browser SSO profile). Everything rejects with IDENTITY_UNREACHABLE where it could not
 * be asked, IDENTITY_METADATA where what it says of itself cannot be used, and IDENTITY_REFUSED where it said no or
 * what it said does not verify.
 */
export interface SamlClient {
  /** @param id of the request, an XML name that nobody can guess and that is used once. */
  begin(id: string): Promise<{ url: string; request: SamlRequest }>;
  /** @param posted the form's SAMLResponse. */
  finish(posted: string, request: SamlRequest): Promise<SamlSignIn>;
  /** The gateway's own metadata, for whoever registers it at the provider. */
  metadata(): Promise<string>;
}

const HOUR_MS = 3_600_000;
/** The library asks for times too, by the system's clock. */
const SKEW_MS = 60_000;

/** @param config with `saml`. */
export function createSamlClient(
  config: ProviderConfig & { saml: SamlConfig },
  { clock, vault }: { clock: Clock; vault: Vault },
): SamlClient {
  const { saml, id: name, issuer, clientId } = config;
  const keyOf = async (): Promise<ServiceKey | null> => (saml.encrypted ? serviceKey(vault, name, clock.now()) : null);

  async function provider(): Promise<IdpMetadata> {
    if (saml.pinned !== undefined) return { entityId: issuer, ...saml.pinned };
    return readMetadata(await fetchMetadata(config, saml.metadataUrl!), clock.now(), issuer);
  }

  function library(found: IdpMetadata, own: ServiceKey | null, requestId: string): SAML {
    const options: NodeSamlConfig = {
      issuer: clientId,
      audience: clientId,
      callbackUrl: saml.acs,
      entryPoint: found.singleSignOn,
      idpIssuer: issuer,
      idpCert: found.certificates.map(pemOf),
      wantAuthnResponseSigned: true,
      wantAssertionsSigned: true,
      acceptedClockSkewMs: SKEW_MS,
      // Whoever sits down here shows who they are, also where the browser still has somebody's session.
      forceAuthn: true,
      disableRequestedAuthnContext: true,
      identifierFormat: null,
      generateUniqueId: () => requestId,
      ...(own === null ? {} : { decryptionPvk: own.key }),
    };
    return new SAML(options);
  }

  return {
    async begin(id) {
      const found = await provider();
      const relayState = randomBytes(32).toString('base64url');
      const url = await library(found, null, id).getAuthorizeUrlAsync(relayState, undefined, {});
      return { url, request: { id, relayState, provider: found } };
    },
    async finish(posted, request) {
      const text = responseText(posted);
      const own = await keyOf();
      const assertion = await inWords(name, async () => {
        const encrypted = examine(name, text, saml.encrypted);
        const { profile } = await library(request.provider, own, request.id).validatePostResponseAsync({
          SAMLResponse: Buffer.from(text).toString('base64'),
        });
        return encrypted ? String(profile?.getAssertionXml?.() ?? '') : null;
      });
      const keys = request.provider.certificates.map((one) => ({ pem: pemOf(one) }));
      const verified = await inWords(name, async () => verifyResponse(text, assertion, keys));
      const expected = { requestId: request.id, issuer, audience: clientId, acs: saml.acs };
      const wrong = objection(verified, expected, clock.now());
      if (wrong !== null) throw refused(name, oneLine(wrong));
      return { claims: claimsWithEnd(verified, saml, clock.now()), saml: { response: text, assertion } };
    },
    async metadata() {
      const own = await keyOf();
      return generateServiceProviderMetadata({
        issuer: clientId,
        callbackUrl: saml.acs,
        identifierFormat: null,
        wantAssertionsSigned: true,
        generateUniqueId: () => `_${randomBytes(16).toString('hex')}`,
        ...(own === null ? {} : { decryptionPvk: own.key, decryptionCert: pemOf(own.certificate) }),
      });
    },
  };
}

/** The sign-in ends with the provider's session, or after the hours that were configured. */
function claimsWithEnd({ assertion }: VerifiedResponse<SamlKey>, { sessionHours }: SamlConfig, now: number) {
  const end = Math.min(assertion.sessionNotOnOrAfter ?? Number.POSITIVE_INFINITY, now + sessionHours * HOUR_MS);
  return { ...claimsOf(assertion), exp: Math.floor(end / 1000) };
}

/** Looks at what came before any other parser does. @returns whether its assertion is encrypted. */
function examine(name: string, text: string, mustBeEncrypted: boolean): boolean {
  const read = readResponse(text);
  if (!isSuccess(read)) {
    const told = read.statusMessage === '' ? '' : ` (${oneLine(read.statusMessage)})`;
    throw refused(name, `${oneLine(read.status.replace(/^.*:/, ''))}${told}`);
  }
  if (read.encrypted !== null) assertEncryption(read.encrypted);
  if (mustBeEncrypted && read.encrypted === null) throw new FormatError('its assertion is not encrypted');
  if (!mustBeEncrypted && read.encrypted !== null)
    throw new FormatError('its assertion is encrypted, which was not asked for (--encrypted)');
  return read.encrypted !== null;
}

/** Throws IDENTITY_REFUSED. */
function responseText(posted: string): string {
  const base64 = posted.replaceAll(/\s+/g, '');
  if (base64.length > MAX_RESPONSE * 2 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
    throw new CountersignError('IDENTITY_REFUSED', 'what came back is no answer of a provider');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw new CountersignError('IDENTITY_REFUSED', 'what came back is not in UTF-8', { cause });
  }
}

/** Words of a provider are shown to a person: one line, bounded. */
const oneLine = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);

const refused = (name: string, why: string, cause?: unknown) =>
  new CountersignError('IDENTITY_REFUSED', `${name} did not let you in: ${why}`, { cause });

async function inWords<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isCountersignError(error)) throw error;
    const why = oneLine((error as Error).message);
    throw refused(name, `what it answered does not count: ${why}`, error);
  }
}

/** Rejects IDENTITY_UNREACHABLE. */
export async function fetchMetadata(
  { id, caFile }: Pick<ProviderConfig, 'id' | 'caFile'>,
  url: string,
): Promise<string> {
  try {
    const answer = await boundedFetch(caFile)(url);
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    return await answer.text();
  } catch (error) {
    if (isCountersignError(error)) throw error;
    const why = oneLine((error as Error).message);
    throw new CountersignError('IDENTITY_UNREACHABLE', `the metadata of ${id} cannot be read at ${url}: ${why}`, {
      cause: error,
    });
  }
}
