import { X509Certificate } from 'node:crypto';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { readText } from './trust-arguments.ts';
import { wholeNumber } from './whole-number.ts';

export interface SamlOptions {
  saml?: string;
  issuer?: string;
  clientId?: string;
  acs?: string;
  encrypted?: boolean;
  sessionHours?: string;
  ca?: string;
}

const OWN_ENTITY_ID = 'urn:countersign:gateway';
/** Names under which providers send what a person may be shown as. */
const DISPLAY = [
  'email',
  'mail',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
  'displayName',
  'name',
  'sub',
];

/**
 * What makes a provider one of SAML: its metadata is read now, so that a person sees whom they are about to trust.
 * Rejects IDENTITY_METADATA, IDENTITY_UNREACHABLE, USAGE.
 */
export async function samlProvider(cli: Cli, id: string, source: string, options: SamlOptions) {
  const isUrl = /^https?:\/\//.test(source);
  const { fetchMetadata } = await import('../identity/saml/client.ts');
  const { pemOf, readMetadata } = await import('../identity/saml/metadata.ts');
  const caFile = options.ca === undefined ? {} : { caFile: options.ca };
  const text = isUrl ? await fetchMetadata({ id, ...caFile }, source) : readText(source).trim();
  const { entityId, singleSignOn, certificates } = readMetadata(text, Date.now(), options.issuer ?? null);
  cli.note(`Provider     ${visibleLine(entityId)}`);
  cli.note(`Sign-in at   ${visibleLine(singleSignOn)}`);
  for (const one of certificates) cli.note(`Signing key  SHA-256 ${new X509Certificate(pemOf(one)).fingerprint256}`);
  const { acs, encrypted, sessionHours } = options;
  return {
    issuer: entityId,
    clientId: options.clientId ?? OWN_ENTITY_ID,
    display: DISPLAY,
    saml: {
      ...(isUrl ? { metadataUrl: source } : { pinned: { singleSignOn, certificates } }),
      ...(acs === undefined ? {} : { acs }),
      ...(encrypted ? { encrypted } : {}),
      ...(sessionHours === undefined ? {} : { sessionHours: wholeNumber(sessionHours, '--session-hours', 1, 168) }),
    },
  };
}

/** Throws USAGE where one of them is missing. */
export function oidcProvider({ issuer, clientId }: SamlOptions) {
  if (issuer === undefined || clientId === undefined)
    throw new CountersignError('USAGE', 'a provider is --issuer and --client-id (OpenID Connect), or --saml METADATA');
  return { issuer, clientId };
}

/** `countersign identity metadata`: what whoever administers a SAML provider registers. */
export function registerMetadata(identity: Command, cli: Cli): void {
  identity
    .command('metadata')
    .description('the gateway’s own SAML metadata, to be registered at a provider')
    .argument('<id>')
    .action(async (id: string) => {
      const { xml, entityId, acs } = await cli.control().call('providerMetadata', { id });
      cli.out(xml.trimEnd());
      cli.note(`Entity ID ${visibleLine(entityId)}, answers by HTTP-POST to ${visibleLine(acs)}`);
    });
}
