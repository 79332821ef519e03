import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { IssuerEntry, Validity } from '../evidence/format/documents.ts';
import { findIssuer, rotateIssuerKeys, signingKeysOf } from '../evidence/trust/changes.ts';
import type { Cli } from './cli.ts';
import { readSigningKeys } from './signing-keys.ts';
import { type RevokeOptions, revocation, validFor } from './trust-arguments.ts';
import { addCommand, withRevokeOptions } from './trust-entries.ts';
import { makeNext, type NextOptions, withNextOptions } from './trust-next.ts';

interface Which {
  audience?: string;
}

const collect = (value: string, all: string[]) => [...all, value];

/** `claim=value`; the claim may have `=` in it only as a URL has not. */
function ruleOf(text: string, validity: Validity): IssuerEntry['rules'][0] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new CountersignError('USAGE', 'a rule is claim=value, such as groups=agents');
  return { ...validity, claim: text.slice(0, at), value: text.slice(at + 1) };
}

/** `countersign trust issuer …`: identity providers whose word binds a device's key to a person. */
export function registerIssuer(trust: Command, cli: Cli): void {
  const issuer = trust.command('issuer').description('identity providers that may bind a device’s key to a person');
  addCommand(issuer, cli, 'add <issuer>', 'pin the signing keys of an issuer (its iss, or its SAML entity ID)', [
    ['--audience <client>', 'the client id (or SAML entity ID of the gateway) that its tokens are for'],
    ['--keys <file>', 'its JWKS, SAML metadata or certificate, taken over a connection that you trust'],
  ])<NextOptions & { days: string; audience: string; keys: string; rule: string[] }>(
    async (note, now, [iss], options) => {
      const validity = validFor(now, options.days);
      const keys = signingKeysOf(await readSigningKeys(options.keys, iss!, now), validity);
      const rules = options.rule.map((rule) => ruleOf(rule, validity));
      note.issuers.push({ ...validity, issuer: iss!, audience: options.audience, keys, rules });
    },
  ).option('--rule <claim=value>', 'whose keys count; one that matches is enough (repeat for more)', collect, []);

  const which = (command: Command) => command.option('--audience <client>', 'when the issuer is there for several');
  which(
    withNextOptions(
      issuer.command('rotate <issuer>').description('pin its keys anew: new ones begin, missing ones end'),
    ),
  )
    .requiredOption('--keys <file>', 'its JWKS, metadata or certificate as it is today')
    .action((iss: string, options: NextOptions & Which & { keys: string }) =>
      makeNext(cli, options, async (note, now) => {
        const keys = await readSigningKeys(options.keys, iss, now);
        const { added, ended } = rotateIssuerKeys(findIssuer(note, iss, options.audience), keys, now);
        if (added + ended === 0) throw new CountersignError('TRUST_NONE', 'its keys are those that are pinned already');
      }),
    );
  which(withRevokeOptions(issuer.command('revoke <issuer>').description('believe no token of it any more'))).action(
    (iss: string, options: NextOptions & RevokeOptions & Which) =>
      makeNext(cli, options, (note, now) => {
        findIssuer(note, iss, options.audience).revoked = revocation(options, now);
      }),
  );
  which(
    withRevokeOptions(issuer.command('revoke-key <issuer> <kid>').description('one of its keys was stolen')),
  ).action((iss: string, kid: string, options: NextOptions & RevokeOptions & Which) =>
    makeNext(cli, options, (note, now) => {
      const keys = findIssuer(note, iss, options.audience).keys.filter(
        (key) => key.kid === kid && key.revoked === null,
      );
      if (keys.length === 0) throw new CountersignError('TRUST_NONE', `it has no key ${kid} that is not revoked yet`);
      for (const key of keys) key.revoked = revocation(options, now);
    }),
  );
  which(withNextOptions(issuer.command('allow <issuer> <claim=value>').description('one rule more')))
    .option('--days <days>', 'how long it counts', '730')
    .action((iss: string, rule: string, options: NextOptions & Which & { days: string }) =>
      makeNext(cli, options, (note, now) => {
        findIssuer(note, iss, options.audience).rules.push(ruleOf(rule, validFor(now, options.days)));
      }),
    );
  which(withRevokeOptions(issuer.command('disallow <issuer> <claim=value>').description('take a rule back'))).action(
    (iss: string, text: string, options: NextOptions & RevokeOptions & Which) =>
      makeNext(cli, options, (note, now) => {
        const rule = findIssuer(note, iss, options.audience).rules.find(
          ({ claim, value, revoked }) => `${claim}=${value}` === text && revoked === null,
        );
        if (rule === undefined)
          throw new CountersignError('TRUST_NONE', `it has no rule ${text} that is not revoked yet`);
        rule.revoked = revocation(options, now);
      }),
  );
}
