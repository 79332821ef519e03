import { expect, test } from 'vitest';
import { type ApprovedCommand, commandDigest, createApprovedCommands } from './approved-commands.ts';

const command: ApprovedCommand = {
  text: 'make deploy',
  cwd: '/shop',
  bindings: [{ name: 'file:/shop/Makefile', value: 'ab'.repeat(32) }],
  decision: {
    effect: 'allow',
    verdict: {
      effect: 'ask',
      policyIds: ['commands-ask'],
      policyHash: '0'.repeat(64),
      reason: 'asks',
      level: 'click',
      expiresSeconds: 60,
      grantable: false,
    },
    approvalId: 'A1',
    grantId: null,
    observed: null,
    decidedBy: 'Ada',
    channel: 'console',
    message: null,
  },
  sessionId: 'S1',
  conversationId: 'C1',
};

function approved() {
  let now = 0;
  let count = 0;
  const commands = createApprovedCommands({
    clock: { now: () => now },
    randomBytes: (length) => new Uint8Array(new Uint16Array(length / 2).fill(++count).buffer),
  });
  return {
    commands,
    pass(milliseconds: number) {
      now += milliseconds;
    },
  };
}

test('a token is good for its command, once', () => {
  const { commands } = approved();
  const token = commands.give(command);
  expect(commands.take(token, commandDigest(command))).toEqual(command);
  expect(commands.take(token, commandDigest(command))).toBeNull();
});

test('another command, or another folder, uses the token up and gets nothing', () => {
  const { commands } = approved();
  const one = commands.give(command);
  expect(commands.take(one, commandDigest({ ...command, cwd: '/' }))).toBeNull();
  expect(commands.take(one, commandDigest(command))).toBeNull();
  const two = commands.give(command);
  expect(commands.take(two, commandDigest({ ...command, text: 'make deploy ' }))).toBeNull();
});

test('parts cannot be shifted from one to the other', () => {
  expect(commandDigest({ text: 'b', cwd: 'a' })).not.toBe(commandDigest({ text: '', cwd: 'ab' }));
  expect(commandDigest({ text: 'x', cwd: 'a\n1:x' })).not.toBe(commandDigest({ text: 'a\n1:x', cwd: 'x' }));
});

test('a token that nobody took ends after a minute', () => {
  const { commands, pass } = approved();
  const token = commands.give(command);
  pass(60_001);
  expect(commands.take(token, commandDigest(command))).toBeNull();
});

test('more tokens than are held push out the oldest', () => {
  const { commands } = approved();
  const first = commands.give(command);
  let last = first;
  for (let i = 0; i < 1024; i++) last = commands.give({ ...command, text: `make ${i}` });
  expect(commands.take(first, commandDigest(command))).toBeNull();
  expect(commands.take(last, commandDigest({ ...command, text: 'make 1023' }))).not.toBeNull();
});
