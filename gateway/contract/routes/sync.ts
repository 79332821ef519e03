import { z } from 'zod';
import { HoldView, RetentionPlan, StoreCapabilities, SyncSetup, SyncStatus } from '../sync.ts';
import { Id, Nothing, Pin, route } from './route.ts';

export const syncRoutes = {
  syncStatus: route('GET', '/api/sync', 'session', Nothing, SyncStatus),
  /** Looks for what is not in the store, and tries at once. */
  syncNow: route('POST', '/api/sync/now', 'session', Nothing, SyncStatus),
  /** Evidence stays on this machine meanwhile, so it takes the PIN. */
  pauseSync: route('POST', '/api/sync/pause', 'session', z.object({ pin: Pin }), SyncStatus),
  resumeSync: route('POST', '/api/sync/resume', 'session', Nothing, SyncStatus),
  /** Finds out by trying what the store does with what is in it. */
  probeSync: route('POST', '/api/sync/probe', 'session', Nothing, StoreCapabilities),
  setUpSync: route('PUT', '/api/sync', 'session', z.object({ setup: SyncSetup, pin: Pin }), SyncStatus),
  /** What the rules and the disk budget would delete now. */
  retentionPlan: route('GET', '/api/retention', 'session', Nothing, RetentionPlan),
  removeRecording: route(
    'POST',
    '/api/sessions/:id/remove',
    'session',
    z.object({ id: Id, why: z.string().min(1).max(500), pin: Pin }),
    Nothing,
  ),
  holds: route('GET', '/api/holds', 'session', Nothing, z.object({ items: z.array(HoldView) })),
  setHold: route(
    'POST',
    '/api/holds',
    'session',
    z.object({ what: z.string().min(1).max(100), why: z.string().min(1).max(500) }),
    z.object({ items: z.array(HoldView) }),
  ),
  liftHold: route(
    'POST',
    '/api/holds/lift',
    'session',
    z.object({ what: z.string().min(1).max(100), why: z.string().min(1).max(500), pin: Pin }),
    z.object({ items: z.array(HoldView) }),
  ),
} as const;
