import { z } from 'zod';
import { Approval, Grant, GrantScope, SimilarApprovals } from '../decision.ts';
import { HaltMinutes, HaltView } from '../halt.ts';
import { PasskeyAssertion, PasskeyRequest } from '../passkey.ts';
import { Id, Nothing, Pin, page, route } from './route.ts';

export const approvalsRoutes = {
  approvals: route(
    'GET',
    '/api/approvals',
    'session',
    z.object({ ...page, state: z.enum(['waiting', 'all']).default('waiting') }),
    z.object({ items: z.array(Approval), total: z.number().int() }),
  ),
  approval: route('GET', '/api/approvals/:id', 'session', z.object({ id: Id }), Approval),
  decide: route(
    'POST',
    '/api/approvals/:id/decision',
    'session',
    z.object({
      id: Id,
      /** The digest the person saw: a decision on anything else is refused. */
      digest: z.string().length(64),
      decision: z.enum(['approve', 'deny']),
      pin: Pin.optional(),
      scope: GrantScope.default({ kind: 'once' }),
      /** A click on a native notification of the desktop app; absent: in the console. */
      via: z.literal('notification').optional(),
      /** The answer to what `passkeyRequest` asked for. */
      passkey: PasskeyAssertion.optional(),
      /** For a denial: a sentence that the agent receives. */
      message: z.string().max(500).optional(),
    }),
    Approval,
  ),
  /** What an authenticator has to sign to approve a request; it counts once. */
  passkeyRequest: route(
    'POST',
    '/api/approvals/:id/passkey',
    'session',
    z.object({ id: Id, digest: z.string().length(64) }),
    PasskeyRequest,
  ),
  /** A person is looking: it waits for the policy's time again, from now, and never past its `latestAt`. */
  extendApproval: route('POST', '/api/approvals/:id/extension', 'session', z.object({ id: Id }), Approval),
  similarApprovals: route('GET', '/api/approvals/:id/similar', 'session', z.object({ id: Id }), SimilarApprovals),
  /** Lets a paused session ask again. */
  endPause: route('POST', '/api/sessions/:id/ask-again', 'session', z.object({ id: Id, pin: Pin.optional() }), Nothing),
  grants: route('GET', '/api/grants', 'session', Nothing, z.object({ items: z.array(Grant) })),
  revokeGrant: route('DELETE', '/api/grants/:id', 'session', z.object({ id: Id }), Nothing),
  /** All that are in force; `leaving`: those that are for somebody at the desk. */
  revokeGrants: route(
    'POST',
    '/api/grants/revoke',
    'session',
    z.object({ leaving: z.boolean().default(false) }),
    z.object({ revoked: z.number().int() }),
  ),
  /** What needs a person is denied for so long, grants do not count, and what waits is denied now. */
  pauseAll: route('POST', '/api/halt/pause', 'session', z.object({ minutes: HaltMinutes.default(15) }), HaltView),
  /** Cuts every connection now; none begins until this time is over or somebody resumes. */
  panic: route('POST', '/api/halt/panic', 'session', z.object({ minutes: HaltMinutes.default(60) }), HaltView),
  /** Ends a pause or a panic. It gives leave back, so it takes the PIN. */
  resumeAll: route('POST', '/api/halt/resume', 'session', z.object({ pin: Pin }), Nothing),
} as const;
