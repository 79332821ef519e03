import { z } from 'zod';
import { Alert, AlertRuleView } from '../alert.ts';
import { SiemDestination, SiemStatus } from '../siem.ts';
import { Id, Nothing, Pin, page, route } from './route.ts';

export const watchRoutes = {
  alerts: route(
    'GET',
    '/api/alerts',
    'session',
    z.object(page),
    z.object({ items: z.array(Alert), total: z.number().int() }),
  ),
  /** What it runs waits for a person no more, beyond what policy says. */
  resumeSession: route('POST', '/api/sessions/:id/resume', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  alertRules: route(
    'GET',
    '/api/alert-rules',
    'session',
    Nothing,
    /** `missed`: statements that came too fast for the rules since the gateway started. */
    z.object({ items: z.array(AlertRuleView), missed: z.number().int() }),
  ),
  siemStatus: route('GET', '/api/siem', 'session', Nothing, z.object({ items: z.array(SiemStatus) })),
  /** Adds or replaces: what happens here is told to whom this says, so it takes the PIN. */
  putSiem: route(
    'PUT',
    '/api/siem/:id',
    'session',
    z.object({ id: Id, destination: SiemDestination, secret: z.string().max(4096).optional(), pin: Pin }),
    SiemStatus,
  ),
  deleteSiem: route('POST', '/api/siem/:id/delete', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  testSiem: route(
    'POST',
    '/api/siem/:id/test',
    'session',
    z.object({ id: Id }),
    z.object({ ok: z.boolean(), sentence: z.string() }),
  ),
} as const;
