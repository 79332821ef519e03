import { join } from 'node:path';
import type { ApprovalsAdmin } from '../approvals/approvals.ts';
import type { ApiEvent, RouteInput, RouteOutput } from '../contract/api.ts';
import { CountersignError } from '../contract/errors.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { Device } from '../evidence/device/device.ts';
import type { People } from '../identity/people.ts';
import { createRoles, type Roles, type RolesDeps } from '../identity/roles.ts';
import type { SessionRegistry } from '../sessions/live-sessions.ts';
import { createReaders, type Readers } from '../sessions/readers.ts';
import type { Store } from '../store/store.ts';

export interface ServiceRoles extends Roles {
  readers: Readers;
  handlers: Pick<ControlHandlers, 'roles' | 'putRoles'>;
  /** Handlers that show a developer what is their own, and nothing else. */
  scoped(handlers: ControlHandlers): ControlHandlers;
  /** A decision that comes by no route: a click on a notification or in the panel. */
  decide: ApprovalsAdmin['decide'];
  /** Whether pages of whoever works here are told. */
  mayHear(event: ApiEvent): boolean;
}

/** Roles, as the gateway runs them. */
export function serviceRoles(parts: {
  home: string;
  people: People;
  device: Pick<Device, 'log'>;
  store: Pick<Store, 'session' | 'indexSession'>;
  registry: Pick<SessionRegistry, 'get'>;
  approvals: () => Pick<ApprovalsAdmin, 'list' | 'get' | 'decide'>;
  fixed: RolesDeps['fixed'];
  now(): number;
  onProblem(sentence: string): void;
}): ServiceRoles {
  const { people, store, registry } = parts;
  const roles = createRoles({
    file: join(parts.home, 'roles.json'),
    person: () => people.current(),
    refusal: () => people.refusal(),
    hasProviders: () => people.providers.length > 0,
    fixed: parts.fixed,
    onProblem: parts.onProblem,
  });
  const subjectOf = async (sid: string): Promise<string | null> => {
    const find = async () => registry.get(sid) ?? (await store.session(sid));
    const found = await find();
    if (found !== null) return found.identity.subject;
    // Just ended, and not in the index yet; or there is none.
    await store.indexSession(sid).catch(() => {});
    return (await find())?.identity.subject ?? null;
  };
  const readers = createReaders({
    onlySubject: () => roles.onlySubject,
    subject: () => roles.subject,
    display: () => people.current().display,
    subjectOf,
    log: (entry) => parts.device.log.append(entry),
    now: parts.now,
  });

  /** An approver decides on everybody's; a developer sees what their own agents ask for. */
  const seesAll = () => roles.has('approver') || roles.has('auditor');
  const isShown = (subject: string) => seesAll() || subject === roles.subject;

  function assertShown(id: string): void {
    const approval = parts.approvals().get(id);
    if (approval !== null && !isShown(approval.operation.identity.subject))
      throw new CountersignError('APPROVAL_UNKNOWN', 'There is no such request of yours.');
  }

  function own(input: RouteInput<'approvals'> & { offset: number; limit: number; state: 'waiting' | 'all' }) {
    const all = parts.approvals().list({ state: input.state, offset: 0, limit: Number.MAX_SAFE_INTEGER }).items;
    const items = all.filter(({ operation }) => isShown(operation.identity.subject));
    return { items: items.slice(input.offset, input.offset + input.limit), total: items.length };
  }

  async function ownAlerts(page: RouteOutput<'alerts'>): Promise<RouteOutput<'alerts'>> {
    const only = roles.onlySubject;
    if (only !== null) {
      const items = page.items.filter(({ person }) => person === only);
      return { items, total: page.total - (page.items.length - items.length) };
    }
    await readers.shown(
      'listed',
      page.items.map(({ sessionId }) => sessionId),
    );
    return page;
  }

  return {
    ...roles,
    get onlySubject() {
      return roles.onlySubject;
    },
    get subject() {
      return roles.subject;
    },
    readers,
    handlers: { roles: () => roles.view(), putRoles: ({ groups }) => roles.put(groups) },
    scoped: (handlers) => ({
      ...handlers,
      approvals: (input, context) => (seesAll() ? handlers.approvals(input, context) : own(input)),
      approval(input, context) {
        assertShown(input.id);
        return handlers.approval(input, context);
      },
      decide(input, context) {
        assertShown(input.id);
        return handlers.decide(input, context);
      },
      extendApproval(input, context) {
        assertShown(input.id);
        return handlers.extendApproval(input, context);
      },
      similarApprovals(input, context) {
        assertShown(input.id);
        return handlers.similarApprovals(input, context);
      },
      grants: async (input, context) => {
        const { items } = await handlers.grants(input, context);
        return { items: items.filter(({ subject }) => isShown(subject)) };
      },
      passkeyRequest(input, context) {
        assertShown(input.id);
        return handlers.passkeyRequest(input, context);
      },
      async undoPlan(input, context) {
        await readers.open(input.id);
        return handlers.undoPlan(input, context);
      },
      async undoContents(input, context) {
        await readers.open(input.id);
        return handlers.undoContents(input, context);
      },
      async killSession(input, context) {
        const subject = registry.get(input.id)?.identity.subject;
        const ends = roles.has('approver') || roles.has('admin') || roles.has('auditor');
        if (!ends && subject !== undefined && subject !== roles.subject)
          throw new CountersignError(
            'SESSION_OF_ANOTHER',
            `Session ${input.id} is another person’s; you end your own.`,
          );
        return handlers.killSession(input, context);
      },
      alerts: async (input, context) => ownAlerts(await handlers.alerts(input, context)),
    }),
    decide(input) {
      roles.assertMay('decide', input.decision);
      return parts.approvals().decide(input);
    },
    mayHear(event) {
      switch (event.type) {
        case 'approval':
          return isShown(event.approval.operation.identity.subject);
        case 'grant':
          return isShown(event.grant.subject);
        case 'session':
          return roles.mayRead(event.session.identity.subject);
        case 'alert':
          return roles.mayRead(event.alert.person);
        default:
          return true;
      }
    },
  };
}
