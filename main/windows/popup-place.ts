/** In device-independent pixels, as Electron's screen has them. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const POPUP_WIDTH = 400;
export const POPUP_HEIGHT = 560;
const LEAST_HEIGHT = 200;
const GAP = 8;

export interface Surroundings {
  /** null where the platform does not say (Linux). */
  tray: Rectangle | null;
  /** Of the display: without its bars. */
  workArea: Rectangle;
  wantedHeight: number;
  platform: NodeJS.Platform;
}

/** At the tray's icon, else in the corner where the platform has its tray; always whole on the screen. */
export function popupPlace({ tray, workArea, wantedHeight, platform }: Surroundings): Rectangle {
  const width = Math.min(POPUP_WIDTH, workArea.width);
  const room = Math.max(1, workArea.height - 2 * GAP);
  const height = Math.min(Math.max(wantedHeight, LEAST_HEIGHT), room);
  const right = workArea.x + workArea.width;
  const bottom = workArea.y + workArea.height;
  const isKnown = tray !== null && tray.width > 0 && tray.height > 0;
  const wantedX = isKnown ? tray.x + tray.width / 2 - width / 2 : right - width - GAP;
  // Bars are at the top on macOS and on most desktops of Linux, at the bottom on Windows.
  const isAtTop = isKnown ? tray.y + tray.height / 2 < workArea.y + workArea.height / 2 : platform !== 'win32';
  const wantedY = isAtTop ? workArea.y + GAP : bottom - height - GAP;
  const within = (value: number, least: number, most: number) => Math.round(Math.max(least, Math.min(value, most)));
  return {
    x: within(wantedX, workArea.x, right - width),
    y: within(wantedY, workArea.y, bottom - height),
    width: Math.round(width),
    height: Math.round(height),
  };
}
