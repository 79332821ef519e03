import type { IpcMain, IpcMainEvent } from 'electron';
import { z } from 'zod';
import { DesktopPath } from '../../gateway/contract/desktop.ts';
import { isOwnPage } from '../pages/origin.ts';

export interface IpcActions {
  hidePopup(): void;
  openConsole(path: string): void;
  setPopupHeight(pixels: number): void;
  /** Whether these are the contents of one of the app's windows. */
  isOwnWindow(contentsId: number): boolean;
}

const Height = z.number().min(1).max(10_000);

/** The few messages of the preload: main frames of the app's own pages only, and each argument checked. */
export function listenToPages(ipc: Pick<IpcMain, 'on'>, actions: IpcActions): void {
  const isOwn = ({ sender, senderFrame }: IpcMainEvent) =>
    senderFrame !== null && senderFrame.parent === null && isOwnPage(senderFrame.url) && actions.isOwnWindow(sender.id);
  const on = (channel: string, act: (argument: unknown) => void) =>
    void ipc.on(channel, (event: IpcMainEvent, argument: unknown) => {
      if (isOwn(event)) act(argument);
    });
  on('hide-popup', () => actions.hidePopup());
  on('open-console', (path) => {
    const parsed = DesktopPath.safeParse(path);
    if (parsed.success) actions.openConsole(parsed.data);
  });
  on('set-popup-height', (pixels) => {
    const parsed = Height.safeParse(pixels);
    if (parsed.success) actions.setPopupHeight(Math.round(parsed.data));
  });
}
