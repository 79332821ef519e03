export const loginStrings = {
  login: {
    title: 'Open the console',
    lead: 'Enter the one-time code that was printed when this was started.',
    code: 'One-time code',
    submit: 'Open',
    whereTitle: 'Where is the code?',
    where: [
      'In the terminal where the gateway was started (“countersign start”), below the console’s address.',
      'Already used or scrolled away? Run “countersign code” on the same machine to print a new one.',
      'For an auditor: in the terminal of “countersign audit serve”; Enter there shows a new one.',
    ],
    pin: {
      label: 'Or your PIN',
      submit: 'Open with the PIN',
      why: 'The gateway was running before this app, so the app has no code of its own for it.',
    },
    why: 'A code works once and only from this machine, so no other page or program can open the console in your place.',
  },
} as const;
