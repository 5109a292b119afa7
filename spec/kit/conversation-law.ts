/**
 * The laws of conversations, on a random life of a few devices and a server: messages in any order, lost
 * links, pauses, crashes of devices and of the server. Null where everybody ends alike; else what happened.
 */
import { Conversation } from './conversation.js';
import { pick, type Random } from './random.js';
import { randomInstructions } from './valid.js';
import { build, wholeSchema } from './worlds.js';

const schema = wholeSchema();

/** Devices that have all made the classes themselves, as the devices of an app do. */
export const peopled = (random: Random, devices: number): Conversation => {
  const conversation = new Conversation(random, devices);
  for (const device of conversation.devices) conversation.write(device, schema, build(schema));
  return conversation;
};

type Device = Conversation['devices'][number];

export const randomWrite = (conversation: Conversation, device: Device, random: Random): void => {
  const run = randomInstructions(random, device.state, 1 + random.int(4), { emitted: true });
  conversation.write(device, run.instructions, run.state);
};

/** Null where everybody streams, nobody waits, nothing is pending and all states are one. */
export const disagreement = (conversation: Conversation): string | null => {
  for (const device of conversation.devices) {
    const { session } = device;
    if (session.phase !== 'streaming')
      return `${device.name} is ${session.phase}: ${device.failures.join('; ')}`;
    if (session.waiters.length > 0) return `${device.name} still waits`;
    if (session.file.writes.to > session.file.writes.from) return `${device.name} keeps writes`;
  }
  const digests = conversation.digests();
  return new Set(digests.values()).size === 1
    ? null
    : [...digests].map(([name, digest]) => `${name} ${digest}`).join('\n');
};

/** `check` looks at everything after every step; null where all is well. */
export const randomLife = (
  random: Random,
  check: (conversation: Conversation) => string | null = () => null,
  prepare: (conversation: Conversation) => void = () => undefined,
): string | null => {
  const conversation = peopled(random, 1 + random.int(4));
  prepare(conversation);
  for (const device of conversation.devices)
    if (random.int(2) === 0) conversation.tell(device, { type: 'resume' });
  for (let steps = 5 + random.int(50); steps > 0; steps--) {
    const device = pick(random, conversation.devices);
    switch (random.int(12)) {
      case 0:
      case 1:
      case 2:
        randomWrite(conversation, device, random);
        break;
      case 3:
        conversation.disconnect(device);
        break;
      case 4:
        conversation.tell(device, { type: 'resume' });
        break;
      case 5:
        conversation.tell(device, { type: 'pause' });
        break;
      case 6:
        conversation.crash(device);
        break;
      case 7:
        if (random.int(3) === 0) conversation.crashServer();
        break;
      default:
        for (let moves = 1 + random.int(8); moves > 0; moves--) conversation.move();
    }
    const fault = check(conversation);
    if (fault !== null) return fault;
  }
  conversation.heal();
  return disagreement(conversation) ?? check(conversation);
};
