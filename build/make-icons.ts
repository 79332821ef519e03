// Draws the icons into build/icons: `node build/make-icons.ts`. What it writes is committed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrayIcon } from '../gateway/notify/text/tray.ts';
import { disc, drawPng, type Layer, type Point, polygon, type Rgba, stroke } from './draw.ts';

const BLACK: Rgba = [0, 0, 0, 255];
const WHITE: Rgba = [255, 255, 255, 255];

/** Around a centre, so that the outline is the same shape made smaller. */
function shield(scale: number): Point[] {
  const curve: Point[] = [];
  const [side, shoulder, foot] = [0.42, 0.5, 0.48];
  curve.push([0, -0.47], [side, -0.33]);
  for (let i = 0; i <= 12; i++) {
    const t = i / 12;
    curve.push([
      side * Math.cos((t * Math.PI) / 2),
      -0.33 + 0.33 * shoulder + (foot + 0.33 - 0.33 * shoulder) * Math.sin((t * Math.PI) / 2),
    ]);
  }
  const right = curve.map(([x, y]): Point => [0.5 + scale * x, 0.49 + scale * y]);
  return [
    ...right,
    ...right
      .slice(1, -1)
      .reverse()
      .map(([x, y]): Point => [1 - x, y]),
  ];
}

const CHECK = stroke(
  [
    [0.32, 0.5],
    [0.45, 0.63],
    [0.69, 0.36],
  ],
  0.11,
);
const CROSS = [
  stroke(
    [
      [0.36, 0.36],
      [0.64, 0.62],
    ],
    0.11,
  ),
  stroke(
    [
      [0.64, 0.36],
      [0.36, 0.62],
    ],
    0.11,
  ),
];
const BARS = [
  stroke(
    [
      [0.41, 0.36],
      [0.41, 0.62],
    ],
    0.11,
  ),
  stroke(
    [
      [0.59, 0.36],
      [0.59, 0.62],
    ],
    0.11,
  ),
];
const QUESTION = [
  stroke(
    [
      [0.38, 0.37],
      [0.41, 0.3],
      [0.5, 0.27],
      [0.59, 0.3],
      [0.62, 0.38],
      [0.57, 0.45],
      [0.5, 0.5],
      [0.5, 0.57],
    ],
    0.1,
  ),
  disc([0.5, 0.7], 0.065),
];
const SLASH = stroke(
  [
    [0.14, 0.14],
    [0.86, 0.86],
  ],
  0.1,
);
/** Beside the slash, so that it is seen on the shield. */
const SLASH_GAP = stroke(
  [
    [0.14, 0.14],
    [0.86, 0.86],
  ],
  0.24,
);

const STATES: Readonly<Record<TrayIcon, { colour: Rgba; full: boolean; sign: readonly ReturnType<typeof stroke>[] }>> =
  {
    running: { colour: [13, 118, 110, 255], full: true, sign: [CHECK] },
    waiting: { colour: [194, 65, 12, 255], full: true, sign: QUESTION },
    halted: { colour: [71, 85, 105, 255], full: true, sign: BARS },
    broken: { colour: [185, 28, 28, 255], full: true, sign: CROSS },
    stopped: { colour: [107, 114, 128, 255], full: false, sign: [] },
    unprotected: { colour: [180, 83, 9, 255], full: false, sign: [CHECK] },
  };

/** Filled with its sign cut out or white; hollow with its sign in its own colour. */
function layersOf(icon: TrayIcon, template: boolean): Layer[] {
  const { full, sign } = STATES[icon];
  const colour = template ? BLACK : STATES[icon].colour;
  const inside = template ? null : WHITE;
  return [
    // A white rim keeps it apart from a panel of its own colour.
    ...(template ? [] : [{ shape: polygon(shield(1)), colour: WHITE }]),
    { shape: polygon(shield(template ? 1 : 0.93)), colour },
    ...(full ? [] : [{ shape: polygon(shield(0.72)), colour: inside }]),
    ...sign.map((shape): Layer => ({ shape, colour: full ? inside : colour })),
    ...(icon === 'stopped'
      ? [
          { shape: SLASH_GAP, colour: template ? null : WHITE },
          { shape: SLASH, colour },
        ]
      : []),
  ];
}

const folder = fileURLToPath(new URL('icons', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const icon of Object.keys(STATES) as TrayIcon[]) {
  for (const [suffix, size] of [
    ['', 22],
    ['@2x', 44],
  ] as const) {
    writeFileSync(join(folder, `tray-${icon}${suffix}.png`), drawPng(size, layersOf(icon, false)));
  }
  for (const [suffix, size] of [
    ['', 18],
    ['@2x', 36],
  ] as const) {
    writeFileSync(join(folder, `tray-${icon}Template${suffix}.png`), drawPng(size, layersOf(icon, true)));
  }
}
writeFileSync(join(folder, 'icon.png'), drawPng(512, layersOf('running', false)));
