import { z } from 'zod';
import { InsightShapes, InsightShapesInput, Insights, InsightsInput } from '../insights.ts';
import { StatementFilter } from '../search.ts';
import { ExchangeText, ResultPage, Session, Statement, Verification } from '../session.ts';
import { DaySummary } from '../summary.ts';
import { TerminalPart, TerminalPlace } from '../terminal.ts';
import { Id, Nothing, page, route } from './route.ts';

export const SessionFilter = z.object({
  ...page,
  connectionId: z.string().max(64).optional(),
  /** An agent's own name for the conversation. */
  conversationId: z.string().max(256).optional(),
  state: z.enum(['open', 'closed', 'incomplete']).optional(),
  verdict: z.enum(['asked', 'denied', 'error']).optional(),
  /** Full text over statements. */
  text: z.string().max(400).optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
});
export type SessionFilter = z.infer<typeof SessionFilter>;

export const sessionsRoutes = {
  sessions: route(
    'GET',
    '/api/sessions',
    'session',
    SessionFilter,
    z.object({ items: z.array(Session), total: z.number().int() }),
  ),
  session: route('GET', '/api/sessions/:id', 'session', z.object({ id: Id }), Session),
  statements: route(
    'GET',
    '/api/sessions/:id/statements',
    'session',
    z.object({ id: Id, ...page }),
    z.object({ items: z.array(Statement), total: z.number().int() }),
  ),
  result: route(
    'GET',
    '/api/sessions/:id/statements/:index/result',
    'session',
    z.object({ id: Id, index: z.coerce.number().int().min(0), ...page }),
    ResultPage,
  ),
  /** Of sessions whose recording is text: not of PostgreSQL's, whose bytes are read as results. */
  exchange: route(
    'GET',
    '/api/sessions/:id/statements/:index/exchange',
    'session',
    z.object({ id: Id, index: z.coerce.number().int().min(0) }),
    ExchangeText,
  ),
  /** A recorded terminal, part by part: from its beginning, or behind a part's `next`. */
  terminal: route(
    'GET',
    '/api/sessions/:id/terminal',
    'session',
    TerminalPlace.partial().extend({ id: Id }),
    TerminalPart,
  ),
  verifySession: route('GET', '/api/sessions/:id/verification', 'session', z.object({ id: Id }), Verification),
  killSession: route('POST', '/api/sessions/:id/kill', 'session', z.object({ id: Id }), Nothing),
  search: route(
    'GET',
    '/api/search',
    'session',
    StatementFilter.omit({ text: true }).extend({ q: z.string().min(1).max(400).optional(), ...page }),
    z.object({ items: z.array(Statement), total: z.number().int() }),
  ),
  /** From a moment until now. Looks at the latest 200,000 statements, and says where there were more. */
  insights: route('GET', '/api/insights', 'session', InsightsInput, Insights),
  insightShapes: route('GET', '/api/insights/shapes', 'session', InsightShapesInput, InsightShapes),
  summary: route('GET', '/api/summary', 'session', z.object({ since: z.iso.datetime() }), DaySummary),
} as const;
