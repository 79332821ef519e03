import type { Identity } from '../../contract/identity.ts';
import { SignInEvidence } from '../../contract/sign-in.ts';
import { parseVkey, type Vkey } from '../../evidence/format/vkey.ts';
import type { DeviceKeys } from '../../evidence/trust/device-keys.ts';
import { checkSignIn } from '../../evidence/trust/id-token.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { type AuditCheck, sentenceOf } from './report.ts';

/** What a recording has of its person's sign-in. */
export type RecordedSignIn = { detail: unknown } | 'unreadable' | null;

/**
 * Whether a session is for whom it says, by the word of the identity provider that is in its recording.
 *
 * @param keys of the device that recorded it; null: not known.
 * @param seen the earliest evidence that the session existed, or null.
 */
export async function identityCheck(
  identity: Identity,
  recorded: RecordedSignIn,
  trust: Trust,
  keys: Pick<DeviceKeys, 'judge'> | null,
  seen: string | null,
): Promise<AuditCheck> {
  const says = `The session says it is for ${identity.display} (${identity.subject})`;
  const told = (status: AuditCheck['status'], sentence: string): AuditCheck => ({
    name: 'identity',
    status,
    sentence: sentenceOf(sentence),
  });
  if (!identity.verified)
    return told('not-checked', `${says}: that is the account of the machine, and nobody vouches for it`);
  if (identity.kind !== 'oidc' && identity.kind !== 'saml')
    return told('not-checked', `${says}, as an identity provider said; its word is not in the recording`);
  if (trust.note === null || trust.note.issuers.length === 0)
    return told('not-checked', `${says}, as an identity provider said; the trust note names none to verify it with`);
  if (recorded === 'unreadable')
    return told(
      'not-checked',
      `${says}, as an identity provider said; its word cannot be read here (it was redacted, or is damaged)`,
    );
  const parsed = SignInEvidence.safeParse(recorded?.detail);
  if (!parsed.success)
    return told('failed', `${says}, as an identity provider said, and no word of one is in the recording`);
  const { idToken, saml, random, vkey: vkeyText, provider, subjectClaim } = parsed.data;
  const token = saml === undefined ? 'ID token' : 'signed response';
  const vkey = vkeyText === null ? null : vkeyOf(vkeyText);
  const made = vkey === null || random === null ? null : { vkey, random };
  const checked =
    saml === undefined
      ? await checkSignIn(p, trust, idToken, made, seen)
      : await (await import('../../evidence/trust/saml-sign-in.ts')).checkSamlSignIn(p, trust, saml, made, seen);
  if (!checked.ok) return told('failed', `${says}: ${checked.why}`);
  const { person, claims, nonce } = checked;
  const claim = claims[subjectClaim];
  if (identity.subject !== `${provider}:${typeof claim === 'string' ? claim : ''}`.slice(0, 256))
    return told('failed', `${says}, and its ${token} is of ${person.name} (${person.subject})`);
  const word = `${person.issuer} said on ${person.at} that this is ${person.name} (${subjectClaim} ${String(claim)})`;
  if (made === null || nonce === 'none')
    return told('not-checked', `${says}; ${word}, and not by which device: identity asserted, device not bound`);
  if (nonce === 'of another key') return told('failed', `${says}: its ${token} was made for another device`);
  const verdict = keys?.judge(made.vkey, seen) ?? null;
  if (verdict === null) return told('not-checked', `${says}; ${word}, for a key of which nothing is known here`);
  if (!verdict.ok)
    return told('failed', `${says}: its ${token} was made for a key that does not count: ${verdict.sentence}`);
  return told(
    'ok',
    `It is for ${identity.display} (${identity.subject}): ${word}, in ${saml === undefined ? 'a token' : 'an answer'} made for this device`,
  );
}

function vkeyOf(text: string): Vkey | null {
  try {
    return parseVkey(p.sha256, text);
  } catch {
    return null;
  }
}
