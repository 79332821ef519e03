import type { TrayAction } from '../../gateway/notify/text/tray.ts';
import { menuTemplate, type TrayParts } from './app-tray.ts';

/** On macOS keys for copying and quitting come from a menu; quitting asks first. */
export function macMenu(act: (action: TrayAction) => void): Parameters<TrayParts['Menu']['buildFromTemplate']>[0] {
  return [
    {
      label: 'Countersign',
      submenu: [
        { role: 'hide' },
        { role: 'hideOthers' },
        { type: 'separator' },
        {
          ...menuTemplate([{ kind: 'action', label: 'Quit …', action: { do: 'quit' } }], act)[0],
          accelerator: 'Command+Q',
        },
      ],
    },
    { role: 'editMenu' },
    { role: 'windowMenu' },
  ];
}
