import { crc32, deflateSync } from 'node:zlib';

/** Colour with alpha, 0 to 255 each. */
export type Rgba = readonly [number, number, number, number];
export type Point = readonly [x: number, y: number];
/** Whether a point of the unit square is inside. */
export type Shape = (x: number, y: number) => boolean;

/** Even-odd. */
export const polygon =
  (points: readonly Point[]): Shape =>
  (x, y) => {
    let inside = false;
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
      const [xi, yi] = points[i]!;
      const [xj, yj] = points[j]!;
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
    return inside;
  };

/** A line through the points, round at its ends. */
export const stroke =
  (points: readonly Point[], width: number): Shape =>
  (x, y) =>
    points.slice(1).some((to, i) => distance([x, y], points[i]!, to) <= width / 2);

export const disc =
  ([cx, cy]: Point, radius: number): Shape =>
  (x, y) =>
    Math.hypot(x - cx, y - cy) <= radius;

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

export interface Layer {
  shape: Shape;
  /** null: cuts a hole into what is below. */
  colour: Rgba | null;
}

const SAMPLES = 8;

/** The layers from below to above, as a PNG of `size` by `size` pixels. */
export function drawPng(size: number, layers: readonly Layer[]): Buffer {
  const rows = Buffer.alloc(size * (1 + 4 * size));
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const sum = [0, 0, 0, 0];
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        const x = (column + ((sample % SAMPLES) + 0.5) / SAMPLES) / size;
        const y = (row + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) / size;
        const top = layers.findLast(({ shape }) => shape(x, y))?.colour;
        if (!top) continue;
        const alpha = top[3] / 255;
        for (let channel = 0; channel < 3; channel++) sum[channel]! += top[channel]! * alpha;
        sum[3]! += alpha;
      }
      const at = row * (1 + 4 * size) + 1 + 4 * column;
      const alpha = sum[3]!;
      for (let channel = 0; channel < 3; channel++)
        rows[at + channel] = alpha === 0 ? 0 : Math.round(sum[channel]! / alpha);
      rows[at + 3] = Math.round((255 * alpha) / (SAMPLES * SAMPLES));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
