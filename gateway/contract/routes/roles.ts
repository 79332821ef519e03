import { z } from 'zod';
import { RoleGroups, RolesView } from '../roles.ts';
import { Nothing, Pin, route } from './route.ts';

export const rolesRoutes = {
  roles: route('GET', '/api/roles', 'session', Nothing, RolesView),
  /** Which groups give which role; null: everybody who works here has every role. */
  putRoles: route('PUT', '/api/roles', 'session', z.object({ groups: RoleGroups.nullable(), pin: Pin }), RolesView),
} as const;
