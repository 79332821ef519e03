/** Roles, emergency access, and what the organisation has fixed. */
export const administrationStrings = {
  emergency: {
    label: 'Emergency access is under way',
    title: 'Emergency access',
    left: (time: string) => `Emergency access, ${time} left.`,
    by: (who: string) => `Taken by ${who}:`,
    end: 'End it now',
    what: 'For at most half an hour your own PIN is enough where policy asks a group. What policy forbids stays forbidden. Everything is recorded whole, and others are told.',
    reason: 'Reason, at least 10 characters',
    begin: 'Begin emergency access',
    none: 'None',
    now: 'Under way',
  },
  roles: {
    title: 'What you may do here',
    none: 'no role',
    names: { developer: 'developer', approver: 'approver', auditor: 'auditor', admin: 'admin' },
    mayNot: (roles: string) => `This takes the role ${roles}; Settings say which roles you have, and why.`,
  },
  administration: {
    label: 'The organisation’s settings',
    set: (n: number, by: string) => `Set ${n}, signed by ${by}`,
    locked: (what: string) => `Fixed there, and not to be changed here: ${what}`,
  },
} as const;
