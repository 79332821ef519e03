import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import type { Alert } from '../../../gateway/contract/alert.ts';
import { ApiEvent } from '../../../gateway/contract/api.ts';
import { AuditEvent, type AuditJob } from '../../../gateway/contract/audit.ts';
import type { Approval } from '../../../gateway/contract/decision.ts';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';
import type { Session } from '../../../gateway/contract/session.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import type { RouteName, RouteOutput } from './routes.ts';

/** connecting: not heard from yet; live: events arrive; lost: trying again. */
export type LinkState = 'connecting' | 'live' | 'lost';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const MAX_APPROVALS_KEPT = 500;
/** Statements are fetched in pages of this size, keyed ['statements', session, page]. */
export const STATEMENTS_PAGE = 500;

let linkState: LinkState = 'connecting';
const listeners = new Set<() => void>();
function setLinkState(next: LinkState): void {
  if (next === linkState) return;
  linkState = next;
  for (const listener of listeners) listener();
}

export function useLinkState(): LinkState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => linkState,
  );
}

type Approvals = RouteOutput<'approvals'>;

function patchApprovals(list: Approvals | undefined, approval: Approval, waitingOnly: boolean): Approvals | undefined {
  if (list === undefined) return list;
  const at = list.items.findIndex((item) => item.id === approval.id);
  if (waitingOnly && approval.state !== 'waiting') {
    if (at === -1) return list;
    return { items: list.items.filter((item) => item.id !== approval.id), total: Math.max(0, list.total - 1) };
  }
  if (at !== -1) return { ...list, items: list.items.map((item, i) => (i === at ? approval : item)) };
  const items = waitingOnly ? [...list.items, approval] : [approval, ...list.items];
  return { items: items.slice(0, MAX_APPROVALS_KEPT), total: list.total + 1 };
}

/** Rows already on screen change in place; a session that is not there leaves the list alone. */
function patchSessions(page: RouteOutput<'sessions'> | undefined, session: Session): typeof page {
  if (!page?.items.some((item) => item.id === session.id)) return page;
  return { ...page, items: page.items.map((item) => (item.id === session.id ? session : item)) };
}

/**
 * An answer that is under way may be older than an event, and would take what the event told off the page
 * again: then it is waited for, and asked once more. A first fetch cannot be cancelled by invalidating.
 */
function askAgain(client: QueryClient, queryKey: readonly unknown[]): void {
  for (const query of client.getQueryCache().findAll({ queryKey })) {
    const again = () => void client.invalidateQueries({ queryKey: query.queryKey, exact: true });
    if (query.state.fetchStatus === 'fetching' && query.promise !== undefined) query.promise.then(again, again);
    else again();
  }
}

export function applyEvent(client: QueryClient, event: ApiEvent): void {
  switch (event.type) {
    case 'approval': {
      for (const query of client.getQueryCache().findAll({ queryKey: ['approvals'] })) {
        const input = query.queryKey[1] as { state?: string } | undefined;
        const waitingOnly = input?.state !== 'all';
        client.setQueryData<Approvals>(query.queryKey, (list) => patchApprovals(list, event.approval, waitingOnly));
        if (query.state.fetchStatus === 'fetching') askAgain(client, query.queryKey);
      }
      client.setQueryData(['approval', { id: event.approval.id }], event.approval);
      return;
    }
    case 'grant':
      client.setQueryData<RouteOutput<'grants'>>(['grants', {}], (list) => {
        if (list === undefined) return list;
        const known = list.items.some((item) => item.id === event.grant.id);
        return {
          items: known
            ? list.items.map((item) => (item.id === event.grant.id ? event.grant : item))
            : [event.grant, ...list.items],
        };
      });
      return;
    case 'session': {
      client.setQueryData(['session', { id: event.session.id }], event.session);
      client.setQueriesData<RouteOutput<'sessions'>>({ queryKey: ['sessions'] }, (page) =>
        patchSessions(page, event.session),
      );
      // Full pages cannot change any more; a fetch under way is left to finish, or a busy session would starve it.
      void client.invalidateQueries(
        {
          queryKey: ['statements', event.session.id],
          predicate: (query) =>
            ((query.state.data as RouteOutput<'statements'> | undefined)?.items.length ?? 0) < STATEMENTS_PAGE,
        },
        { cancelRefetch: false },
      );
      for (const listener of sessionListeners) listener(event.session);
      return;
    }
    case 'status':
      client.setQueryData(['status', {}], event.status);
      return;
    case 'sync':
      client.setQueryData(['syncStatus', {}], event.sync);
      return;
    case 'alert':
      client.setQueriesData<RouteOutput<'alerts'>>({ queryKey: ['alerts'] }, (list) => withAlert(list, event.alert));
  }
}

const MAX_ALERTS_KEPT = 500;

function withAlert(list: RouteOutput<'alerts'> | undefined, alert: Alert): RouteOutput<'alerts'> | undefined {
  if (list === undefined || list.items.some(({ id }) => id === alert.id)) return list;
  return { items: [alert, ...list.items].slice(0, MAX_ALERTS_KEPT), total: list.total + 1 };
}

/** What is not asked again when a workspace changed: it cannot have changed, or asking is itself written down. */
const STAYS: readonly RouteName[] = [
  'host',
  'result',
  'statements',
  'terminal',
  'verifySession',
  'auditStatements',
  'auditJobs',
];

export function applyAuditEvent(client: QueryClient, event: AuditEvent): void {
  if (event.type === 'workspace') {
    void client.invalidateQueries({ predicate: ({ queryKey }) => !STAYS.includes(queryKey[0] as RouteName) });
    return;
  }
  client.setQueryData<RouteOutput<'auditJobs'>>(['auditJobs', {}], (list) => withJob(list, event.job));
}

function withJob(list: RouteOutput<'auditJobs'> | undefined, job: AuditJob): RouteOutput<'auditJobs'> | undefined {
  if (list === undefined) return list;
  const known = list.items.some(({ id }) => id === job.id);
  return { items: known ? list.items.map((item) => (item.id === job.id ? job : item)) : [job, ...list.items] };
}

function apply(client: QueryClient, host: ConsoleHost, text: string): boolean {
  if (host === 'gateway') {
    const event = ApiEvent.safeParse(parseJson(text));
    if (event.success) applyEvent(client, event.data);
    return event.success;
  }
  const event = AuditEvent.safeParse(parseJson(text));
  if (event.success) applyAuditEvent(client, event.data);
  return event.success;
}

/** What the gateway tells of by events alone. */
const SHOWN_LIVE: readonly RouteName[] = ['approvals', 'status', 'grants'];

const sessionListeners = new Set<(session: Session) => void>();

/** Calls back for each session that was opened, changed or closed. `listener` must be stable. */
export function useSessionEvents(listener: (session: Session) => void): void {
  useEffect(() => {
    sessionListeners.add(listener);
    return () => {
      sessionListeners.delete(listener);
    };
  }, [listener]);
}

/**
 * Keeps the caches in step with GET /api/events. After each reconnection everything is asked again,
 * since what happened in between was missed. Mounted once, by the shell.
 */
export function useHostEvents(host: ConsoleHost): void {
  const client = useQueryClient();
  useEffect(() => {
    let source: EventStream | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let wait = FIRST_RETRY_MS;
    let opened = false;

    const connect = () => {
      timer = null;
      source = openEventStream('/api/events', {
        opened: () => {
          wait = FIRST_RETRY_MS;
          setLinkState('live');
          // What came between an answer and this stream was in neither.
          for (const route of opened ? [] : SHOWN_LIVE) askAgain(client, [route]);
          if (opened) void client.invalidateQueries();
          opened = true;
        },
        data: (text) => {
          if (!apply(client, host, text)) void client.invalidateQueries();
        },
        ended: () => {
          setLinkState('lost');
          void client.invalidateQueries({ queryKey: [host === 'gateway' ? 'status' : 'auditStatus'] });
          timer = setTimeout(connect, wait);
          wait = Math.min(wait * 2, LONGEST_RETRY_MS);
        },
      });
    };
    connect();
    return () => {
      source?.close();
      if (timer !== null) clearTimeout(timer);
      setLinkState('connecting');
    };
  }, [client, host]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
