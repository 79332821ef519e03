/** Everything may run but writes to the table `forbidden`; what writes it under cover of something else included. */
export const FORBIDDING = `
@id("all")
permit (principal, action, resource);

@id("not-forbidden")
@reason("Nobody writes to forbidden.")
forbid (principal, action == Action::"run", resource)
when { context.writeNames.contains("forbidden") };

@id("not-unknown")
@reason("What is not understood may write to forbidden.")
forbid (principal, action == Action::"run", resource)
when { context.class == "unknown" || context.flags.contains("code-execution") };
`;
