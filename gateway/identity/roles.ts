import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import type { RouteName } from '../contract/api.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import { ROLES, type Role, RoleGroups, type RolesView } from '../contract/roles.ts';
import { rolesFor } from '../contract/route-roles.ts';

export interface RolesDeps {
  /** `<home>/roles.json`; not there: no groups are asked for. */
  file: string;
  /** Whoever works here now. */
  person(): Identity;
  /** Why nobody may act; null while somebody may. */
  refusal(): string | null;
  /** The account of the machine counts only while nobody signs in with a provider. */
  hasProviders(): boolean;
  /** What the organisation fixed for all its gateways; null: what is set here counts. */
  fixed(): { groups: RoleGroups; by: string } | null;
  onProblem(sentence: string): void;
}

export interface Roles {
  view(): RolesView;
  /** Throws ROLES_LOCK_OUT where the caller would be no admin any more. */
  put(groups: RoleGroups | null): RolesView;
  /** Throws ROLE_REQUIRED, which says what to do, or IDENTITY_REQUIRED. @param decision of the call, where it has one. */
  assertMay(name: RouteName, decision?: string): void;
  has(role: Role): boolean;
  /** May whoever works here see what this person's agents did? */
  mayRead(subject: string): boolean;
  /** The only subject whose sessions may be seen; null: everybody's. */
  readonly onlySubject: string | null;
  /** Whose sessions are nobody else's, so that reading them needs no entry in the device's log. */
  readonly subject: string;
}

/** What whoever works at this machine may do, by the groups that their provider names. */
export function createRoles(deps: RolesDeps): Roles {
  let groups = read();

  /** A file that cannot be understood was about something: then nobody has a role but to look at why. */
  function read(): RoleGroups | null | 'broken' {
    try {
      const text = readFileIfThere(deps.file);
      return text === null ? null : RoleGroups.nullable().parse(JSON.parse(text));
    } catch {
      deps.onProblem(`${deps.file} cannot be read, so nobody has a role; mend it, or remove it, and start again`);
      return 'broken';
    }
  }

  function rolesOf(mapping: typeof groups): readonly Role[] {
    if (mapping === 'broken') return [];
    if (mapping === null || !deps.hasProviders()) return ROLES;
    if (deps.refusal() !== null) return [];
    const own = new Set(deps.person().groups);
    return ROLES.filter((role) => mapping[role].some((group) => own.has(group)));
  }

  const mapping = () => deps.fixed()?.groups ?? groups;
  const now = () => rolesOf(mapping());

  function view(): RolesView {
    const roles = [...now()];
    const named = mapping();
    return { roles, groups: named === 'broken' ? null : named, sentence: sentenceOf(roles) };
  }

  function sentenceOf(roles: readonly Role[]): string {
    if (mapping() === 'broken') return `${deps.file} cannot be read, so nobody has a role here`;
    const { display } = deps.person();
    if (!deps.hasProviders())
      return `${display} has every role on this machine: nobody signs in with a provider, so no groups are known`;
    if (mapping() === null) return 'whoever signs in here has every role: no groups were named for them';
    const refusal = deps.refusal();
    if (refusal !== null) return `nobody has a role here: ${refusal}`;
    if (roles.length > 0) return `${display} is ${roles.join(', ')} here, by the groups that the provider names`;
    return `none of the groups of ${display} gives a role here`;
  }

  function refuse(needed: readonly Role[], mine: readonly Role[]): never {
    const groupsOf = mapping();
    if (groupsOf === 'broken') throw new CountersignError('ROLE_REQUIRED', `Nothing is done: ${sentenceOf([])}.`);
    const refusal = deps.refusal();
    if (refusal !== null) throw new CountersignError('IDENTITY_REQUIRED', `This takes who you are: ${refusal}`);
    const named = groupsOf === null ? [] : [...new Set(needed.flatMap((role) => groupsOf[role]))];
    const way =
      named.length === 0
        ? 'no group gives it yet: ask an admin of this gateway to name one'
        : `ask for one of the groups that give it (${named.slice(0, 5).join(', ')}), then sign in again`;
    const are = mine.length === 0 ? 'has no role here' : `is ${mine.join(' and ')} here`;
    throw new CountersignError(
      'ROLE_REQUIRED',
      `This takes the role ${needed.join(' or ')}, and ${deps.person().display} ${are}; ${way}.`,
    );
  }

  return {
    view,
    put(mapping) {
      const fixed = deps.fixed();
      if (fixed !== null)
        throw new CountersignError('ROLES_LOCKED', `${fixed.by} has fixed the roles for the organisation; ask them.`);
      if (mapping !== null && deps.hasProviders() && !rolesOf(mapping).includes('admin'))
        throw new CountersignError(
          'ROLES_LOCK_OUT',
          `Nothing was changed: none of your groups is among those for admin, so you could not change this again. Yours are: ${deps.person().groups.slice(0, 20).join(', ') || 'none'}.`,
        );
      writeFileAtomic(deps.file, `${JSON.stringify(mapping, null, 2)}\n`);
      groups = mapping;
      return view();
    },
    assertMay(name, decision) {
      const needed = rolesFor(name, decision);
      if (needed === null) return;
      const mine = now();
      if (!needed.some((role) => mine.includes(role))) refuse(needed, mine);
    },
    has: (role) => now().includes(role),
    mayRead: (subject) => now().includes('auditor') || subject === deps.person().subject,
    get onlySubject() {
      return now().includes('auditor') ? null : deps.person().subject;
    },
    get subject() {
      return deps.person().subject;
    },
  };
}
