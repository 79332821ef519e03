import { AdministrationView } from '../administration.ts';
import { Nothing, route } from './route.ts';

export const administrationRoutes = {
  administration: route('GET', '/api/administration', 'session', Nothing, AdministrationView),
  /** Looks for a newer set at once. */
  refreshAdministration: route('POST', '/api/administration/refresh', 'session', Nothing, AdministrationView),
} as const;
