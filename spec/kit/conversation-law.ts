/**
 * The laws of conversations, on a random life of a few devices and a server: messages in any order, lost
 * links, pauses, crashes of devices and of the server. Null where everybody ends alike; else what happened.
 */
import { connectedFiles } from '../../core/session/server-retention.js';
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

type Check = (conversation: Conversation) => string | null;
type Prepare = (conversation: Conversation) => void;

/** What else happens in a life, beside what devices do: one thing of it at a time. */
type Happening = (conversation: Conversation, random: Random) => void;

/** `check` looks at everything after every step; null where all is well. */
export const randomLife = (
  random: Random,
  check: Check = () => null,
  prepare: Prepare = () => undefined,
): string | null => {
  const conversation = livedThrough(random, check, prepare, null);
  if (typeof conversation === 'string') return conversation;
  conversation.heal();
  return disagreement(conversation) ?? check(conversation);
};

/** What a life of compactions has seen. */
export interface Retained {
  compactions: number;
  folds: number;
  expired: number;
}

const DAY = 86_400_000;

/**
 * The same while the server compacts its history, a stage of it between any two steps, and days pass without a
 * word, so that devices expire. A device is refused only if it was silent for too long, or new for too long; it
 * takes a new file then, and converges with the others.
 */
export const compactingLife = (
  random: Random,
  retained: Retained = { compactions: 0, folds: 0, expired: 0 },
  check: Check = () => null,
  prepare: Prepare = () => undefined,
): string | null => {
  const heard = new Map<Device, number>();
  const conversation = livedThrough(random, check, prepare, (living) => {
    const bound = connectedFiles(living.server);
    for (const device of living.devices)
      if (bound.has(device.session.file.ident) || !heard.has(device)) heard.set(device, living.now);
    const folded = living.server.partition.cut;
    for (let stages = random.int(4); stages > 0; stages--)
      if (living.compactStep() !== null) retained.compactions++;
    if (living.server.partition.cut > folded) retained.folds++;
    if (random.int(8) > 0) return;
    living.now += random.int(random.int(2) === 0 ? 60 * DAY : DAY);
    living.tick();
  });
  if (typeof conversation === 'string') return conversation;
  conversation.heal();
  for (const device of conversation.devices) {
    const { failure } = device.session;
    if (failure?.code !== 222) continue;
    const silence = conversation.now - (heard.get(device) ?? 0);
    if (silence < DAY - 3_600_000 * 2) return `${device.name} expired after ${silence} ms`;
    retained.expired++;
    conversation.begin(device);
  }
  conversation.heal();
  // Whatever was begun is finished; whose ident got lost on its way expires; then all of it can be folded.
  conversation.now += 31 * DAY;
  conversation.tick();
  for (let stages = 0; stages < 5; stages++) conversation.compactStep();
  const found = disagreement(conversation) ?? check(conversation);
  if (found !== null) return found;
  const { cut, head } = conversation.server.partition;
  if (
    cut < head &&
    conversation.devices.every(({ session }) => session.file.progress.download.serverVersion === head)
  )
    return `everybody is at ${head}, and only ${cut} is folded`;
  conversation.crashServer();
  conversation.heal();
  return disagreement(conversation) ?? check(conversation);
};

/** The conversation before it heals, or what `check` has found. */
const livedThrough = (
  random: Random,
  check: Check,
  prepare: Prepare,
  happening: Happening | null,
): Conversation | string => {
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
    happening?.(conversation, random);
    const fault = check(conversation);
    if (fault !== null) return fault;
  }
  return conversation;
};
