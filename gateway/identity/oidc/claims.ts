import { CountersignError } from '../../contract/errors.ts';
import type { Identity } from '../../contract/identity.ts';
import type { ProviderConfig } from '../../contract/sign-in.ts';

type Claims = Readonly<Record<string, unknown>>;

const MAX_GROUPS = 512;

/**
 * The person that a verified ID token, or a verified SAML response as claims, speaks of. Throws IDENTITY_CLAIMS where what the configuration names is not
 * there, IDENTITY_REFUSED where the person is in none of the groups that may sign in.
 */
export function personOf(claims: Claims, config: ProviderConfig): Identity {
  const subject = textAt(claims, config.claims.subject);
  if (subject === null)
    throw new CountersignError(
      'IDENTITY_CLAIMS',
      `${wordOf(config)} of ${config.id} has no text under "${config.claims.subject}", which the configuration names as the subject`,
    );
  const display = config.claims.display.map((name) => textAt(claims, name)).find((text) => text !== null) ?? subject;
  const groups = groupsOf(claims, config);
  if (config.allowedGroups.length > 0 && !groups.some((group) => config.allowedGroups.includes(group)))
    throw new CountersignError(
      'IDENTITY_REFUSED',
      `${display.slice(0, 200)} is in none of the groups that may sign in here; ask whoever administers ${config.id}`,
    );
  return {
    subject: `${config.id}:${subject}`.slice(0, 256),
    display: display.slice(0, 256),
    kind: config.saml === undefined ? 'oidc' : 'saml',
    verified: true,
    groups,
  };
}

const wordOf = ({ saml }: ProviderConfig): string => (saml === undefined ? 'the ID token' : 'the response');

/** Entra says in SAML by this attribute that it leaves groups out. */
const GROUPS_ELSEWHERE = 'http://schemas.microsoft.com/claims/groups.link';

/** Entra leaves groups out of the token of who has many, and says so in this claim. */
function groupsOf(claims: Claims, config: ProviderConfig): string[] {
  const { id, claims: names } = config;
  const path = names.groups;
  const found = valueAt(claims, path);
  if (found === undefined || found === null) {
    const elsewhere = claims._claim_names;
    if (claims.hasgroups === true || GROUPS_ELSEWHERE in claims || (isRecord(elsewhere) && path in elsewhere))
      throw new CountersignError(
        'IDENTITY_CLAIMS',
        `${id} leaves the groups out of ${wordOf(config)}, because the person has too many; let it send only groups that are assigned to the application, or roles (--groups-claim roles)`,
      );
    return [];
  }
  const list = Array.isArray(found) ? found : typeof found === 'string' ? [found] : null;
  if (list === null || !list.every((group) => typeof group === 'string' && group.length <= 256))
    throw new CountersignError('IDENTITY_CLAIMS', `the claim "${path}" of ${id} is no list of group names`);
  if (list.length > MAX_GROUPS)
    throw new CountersignError(
      'IDENTITY_CLAIMS',
      `the person has ${list.length} groups, and ${MAX_GROUPS} are the most; let ${id} send fewer`,
    );
  return [...new Set(list as string[])].sort();
}

function textAt(claims: Claims, path: string): string | null {
  const value = valueAt(claims, path);
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** A claim may have dots in its own name, as `https://example.com/groups` does; else a dot leads into an object. */
export function valueAt(claims: unknown, path: string): unknown {
  if (!isRecord(claims)) return undefined;
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const name = path.slice(0, dot);
    if (!Object.hasOwn(claims, name)) continue;
    const found = valueAt(claims[name], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
