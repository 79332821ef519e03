import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent } from 'electron';
import { z } from 'zod';
import { DesktopPath } from '../../gateway/contract/desktop.ts';
import { isOwnPage } from '../pages/origin.ts';

export interface IpcActions {
  hidePopup(): void;
  openConsole(path: string): void;
  setPopupHeight(pixels: number): void;
  autostart(): boolean | null;
  setAutostart(on: boolean): void;
  /** Whether these are the contents of one of the app's windows. */
  isOwnWindow(contentsId: number): boolean;
}

const Height = z.number().min(1).max(10_000);

/** The few messages of the preload: main frames of the app's own pages only, and each argument checked. */
export function listenToPages(ipc: Pick<IpcMain, 'on' | 'handle'>, actions: IpcActions): void {
  const isOwn = ({ sender, senderFrame }: IpcMainEvent | IpcMainInvokeEvent) =>
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
  const answer = (channel: string, give: (argument: unknown) => unknown) =>
    void ipc.handle(channel, (event, argument: unknown) => {
      if (!isOwn(event)) throw new Error('refused');
      return give(argument);
    });
  answer('autostart', () => actions.autostart());
  answer('set-autostart', (on) => {
    if (typeof on === 'boolean') actions.setAutostart(on);
    return actions.autostart();
  });
}
