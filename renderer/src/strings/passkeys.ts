export const passkeyStrings = {
  passkeys: {
    title: 'Passkeys',
    what: 'A passkey approves what policy asks one for: your finger, face or device PIN, asked by your browser, for one operation at a time. A program that reads the screen or the keyboard cannot use it in your place.',
    none: 'You have none yet.',
    standing: {
      listed: 'In the trust note',
      local: 'On this machine',
      unlisted: 'Not in the trust note yet',
    },
    added: (when: string) => `added ${when}`,
    unlisted: 'It counts once your organisation’s trust note lists it. Give its keeper what this prints:',
    exportLabel: 'In a terminal',
    exportCommand: 'countersign passkey export',
    name: 'Name',
    nameHint: 'To tell it from others, such as the laptop’s',
    add: 'Add a passkey',
    addedToast: 'The passkey is added',
    remove: 'Remove',
    removeTitle: (name: string) => `Remove the passkey ${name}?`,
    removeText:
      'It approves nothing from here any more. Your browser or authenticator keeps its own copy until you delete that too.',
    removed: 'The passkey is removed',
    elsewhere: 'Browsers take passkeys at this address only:',
    nowhere:
      'Passkeys cannot be used: another program listens on the console’s port of localhost. End it, or start the gateway with another --console-port.',
    approve: 'Approve with passkey',
    open: 'Open the console here to approve with your passkey:',
    failed: {
      cancelled: 'The browser asked for your passkey and got none. Try again, or deny.',
      known: 'Your authenticator has a passkey for you already.',
      other: 'The browser could not use a passkey here.',
    },
  },
} as const;
