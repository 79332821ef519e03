import { z } from 'zod';
import { PolicyCheck, PolicySuggestions, PolicyTrial, PolicyTrialInput, PolicyVersion } from '../policy.ts';
import { Nothing, Pin, page, route } from './route.ts';

export const PolicyView = z.object({
  hash: z.string(),
  text: z.string(),
  staged: z
    .object({ hash: z.string(), text: z.string(), diff: z.string(), errors: z.array(z.string()), stagedAt: z.string() })
    .nullable(),
});
export type PolicyView = z.infer<typeof PolicyView>;

export const policyRoutes = {
  policy: route('GET', '/api/policy', 'session', Nothing, PolicyView),
  stagePolicy: route('POST', '/api/policy/stage', 'session', z.object({ text: z.string().max(1_000_000) }), PolicyView),
  acceptPolicy: route(
    'POST',
    '/api/policy/accept',
    'session',
    z.object({ hash: z.string().length(64), pin: Pin }),
    PolicyView,
  ),
  discardPolicy: route('POST', '/api/policy/discard', 'session', Nothing, PolicyView),
  /** Stages nothing: for an editor, while somebody types. */
  checkPolicy: route(
    'POST',
    '/api/policy/check',
    'session',
    z.object({ text: z.string().max(1_000_000) }),
    PolicyCheck,
  ),
  tryPolicy: route('POST', '/api/policy/try', 'session', PolicyTrialInput, PolicyTrial),
  /** From the questions since the gateway started; stages nothing. */
  policySuggestions: route('GET', '/api/policy/suggestions', 'session', Nothing, PolicySuggestions),
  policyHistory: route(
    'GET',
    '/api/policy/history',
    'session',
    z.object(page),
    z.object({ items: z.array(PolicyVersion), total: z.number().int() }),
  ),
  policyVersion: route(
    'GET',
    '/api/policy/history/:number',
    'session',
    z.object({ number: z.coerce.number().int().min(1) }),
    PolicyVersion.extend({ text: z.string() }),
  ),
} as const;
