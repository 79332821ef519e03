import { z } from 'zod';

/**
 * developer: the agent works for them; they see their own sessions. approver: decides what waits here. auditor: reads
 * everybody's sessions. admin: changes connections, policy, providers, trust.
 */
export const ROLES = ['developer', 'approver', 'auditor', 'admin'] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

const groups = z.array(z.string().min(1).max(256)).max(100);

/** Groups of the identity provider by the role that they give. Without one for admin nobody could change this again. */
export const RoleGroups = z.strictObject({
  developer: groups.default([]),
  approver: groups.default([]),
  auditor: groups.default([]),
  admin: groups.min(1),
});
export type RoleGroups = z.infer<typeof RoleGroups>;

/** What whoever works here now may do. */
export const RolesView = z.object({
  roles: z.array(Role),
  /** Why, for the person. */
  sentence: z.string(),
  /** null: no groups are asked for, and whoever works here has every role. */
  groups: RoleGroups.nullable(),
});
export type RolesView = z.infer<typeof RolesView>;
