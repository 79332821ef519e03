import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopBridge } from '../gateway/contract/desktop.ts';

const bridge: DesktopBridge = {
  hidePopup: () => ipcRenderer.send('hide-popup'),
  openConsole: (path) => ipcRenderer.send('open-console', path),
  setPopupHeight: (pixels) => ipcRenderer.send('set-popup-height', pixels),
};

contextBridge.exposeInMainWorld('countersignDesktop', bridge);
