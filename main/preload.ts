import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopBridge } from '../gateway/contract/desktop.ts';

const bridge: DesktopBridge = {
  hidePopup: () => ipcRenderer.send('hide-popup'),
  openConsole: (path) => ipcRenderer.send('open-console', path),
  setPopupHeight: (pixels) => ipcRenderer.send('set-popup-height', pixels),
  autostart: () => ipcRenderer.invoke('autostart'),
  setAutostart: (on) => ipcRenderer.invoke('set-autostart', on),
};

contextBridge.exposeInMainWorld('countersignDesktop', bridge);
