import type { RouteName } from '../../../gateway/contract/api.ts';
import { rolesFor } from '../../../gateway/contract/route-roles.ts';
import { useApi } from './queries.ts';

/** Whether whoever works here has a role for a call; the gateway decides, so what is not known yet is shown. */
export function useMay(name: RouteName): boolean {
  const roles = useApi('roles', {}).data?.roles;
  const needed = rolesFor(name);
  return roles === undefined || needed === null || needed.some((role) => roles.includes(role));
}
