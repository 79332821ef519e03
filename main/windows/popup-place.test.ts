import fc from 'fast-check';
import { expect, it } from 'vitest';
import { popupPlace } from './popup-place.ts';

const workArea = { x: 0, y: 25, width: 1440, height: 875 };
const wantedHeight = 560;

it('is below an icon at the top and above one at the bottom, in its middle', () => {
  const top = popupPlace({
    tray: { x: 1000, y: 0, width: 20, height: 24 },
    workArea,
    wantedHeight,
    platform: 'darwin',
  });
  expect(top).toEqual({ x: 810, y: 33, width: 400, height: 560 });
  const bottom = popupPlace({
    tray: { x: 1300, y: 880, width: 20, height: 20 },
    workArea: { x: 0, y: 0, width: 1440, height: 860 },
    wantedHeight,
    platform: 'win32',
  });
  expect(bottom).toEqual({ x: 1040, y: 292, width: 400, height: 560 });
});

it('is in the corner of the platform where nobody says where the icon is', () => {
  for (const tray of [null, { x: 0, y: 0, width: 0, height: 0 }]) {
    expect(popupPlace({ tray, workArea, wantedHeight, platform: 'linux' })).toMatchObject({ x: 1032, y: 33 });
    expect(popupPlace({ tray, workArea, wantedHeight, platform: 'win32' })).toMatchObject({ x: 1032, y: 332 });
  }
});

it('is whole on any screen, whatever it is asked for', () => {
  const size = fc.integer({ min: 1, max: 8000 });
  const at = fc.integer({ min: -8000, max: 8000 });
  const rectangle = fc.record({ x: at, y: at, width: size, height: size });
  fc.assert(
    fc.property(rectangle, fc.option(rectangle), fc.integer({ min: 1, max: 10_000 }), (area, tray, height) => {
      const place = popupPlace({ tray, workArea: area, wantedHeight: height, platform: 'linux' });
      expect(place.x).toBeGreaterThanOrEqual(area.x);
      expect(place.y).toBeGreaterThanOrEqual(area.y);
      expect(place.x + place.width).toBeLessThanOrEqual(area.x + area.width);
      expect(place.y + place.height).toBeLessThanOrEqual(area.y + area.height);
    }),
  );
});
