/** What the terminal that commands write to can do. */
export interface TerminalShape {
  /** Columns; null: not a terminal, so lines are not cut. */
  columns: number | null;
  color: boolean;
}

/** @param stream where the command writes; NO_COLOR (no-color.org) and TERM=dumb turn colour off. */
export function terminalShape(stream: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv): TerminalShape {
  if (stream.isTTY !== true) return { columns: null, color: false };
  const noColor = env.NO_COLOR !== undefined && env.NO_COLOR !== '';
  return { columns: Math.max(20, stream.columns ?? 80), color: !noColor && env.TERM !== 'dumb' };
}

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof SGR;

/** Colour adds to words, it never replaces them: everything is readable without it. */
export function styled(text: string, style: Style, { color }: TerminalShape): string {
  return color ? `\u001b[${SGR[style]}m${text}\u001b[0m` : text;
}
