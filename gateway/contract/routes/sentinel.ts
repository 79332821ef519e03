import { SentinelView } from '../sentinel.ts';
import { Nothing, route } from './route.ts';

export const sentinelRoutes = {
  sentinel: route('GET', '/api/sentinel', 'session', Nothing, SentinelView),
} as const;
