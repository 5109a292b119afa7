/**
 * Whole conversations in which apps do everything that a session offers, in any order: one direction paused
 * or both, links lost, silence, tokens renewed, crashes. Everybody ends alike; no wait is answered before its
 * time; and nothing moves in a direction that is paused.
 */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { firstAfter } from '../core/base/run.js';
import { fileOf } from '../core/history/partition.js';
import type { Direction } from '../core/session/client-session.js';
import type { Conversation, Device } from './kit/conversation.js';
import { disagreement, peopled, randomWrite } from './kit/conversation-law.js';
import { pick, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

/** What must be true when a wait is answered. */
interface Promised {
  readonly device: Device;
  readonly what: Direction;
  readonly version: number;
}

class Life {
  readonly conversation: Conversation;
  readonly #random: Random;
  readonly #promised = new Map<number, Promised>();
  /** The newest client version that each device has sent, whatever became of it. */
  readonly #sent = new Map<Device, number>();
  /** Of devices that hold a direction: how far they had sent, or had received, by then. */
  readonly #limits: Record<Direction, Map<Device, number>> = { upload: new Map(), download: new Map() };
  answered = 0;
  #nextId = 1;

  constructor(random: Random) {
    this.#random = random;
    this.conversation = peopled(random, 1 + random.int(3));
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#step(pick(this.#random, this.conversation.devices));
      this.check();
    }
    for (const device of this.conversation.devices) this.#forget(device);
    this.conversation.heal();
    this.check();
    assert.is(disagreement(this.conversation), null);
    for (const { device, what } of this.#promised.values())
      assert.unreachable(`${device.name} still waits for its ${what}`);
  }

  check(): void {
    for (const [id, promised] of this.#promised) {
      const { device, what, version } = promised;
      if (!device.settled.has(id)) continue;
      this.#promised.delete(id);
      this.answered++;
      assert.is(device.settled.get(id), null);
      const reached =
        what === 'upload' ? this.#integrated(device) : device.session.file.progress.download.serverVersion;
      assert.ok(reached >= version, `${device.name}: ${what} ${version} answered at ${reached}`);
    }
    for (const device of this.conversation.devices)
      this.#sent.set(device, Math.max(device.session.sent, this.#sent.get(device) ?? 0));
    for (const [device, limit] of this.#limits.upload) {
      const waiting = firstAfter(device.session.file.writes, limit)?.version ?? Number.POSITIVE_INFINITY;
      assert.ok(this.#integrated(device) < waiting, `${device.name} uploads ${waiting}, though it is paused`);
    }
    for (const [device, limit] of this.#limits.download)
      assert.is(device.session.file.progress.download.serverVersion, limit);
  }

  /** The newest write of the device that the server has. */
  #integrated(device: Device): number {
    const { partition } = this.conversation.server;
    return fileOf(partition, device.session.file.ident)?.clientVersion ?? 0;
  }

  #step(device: Device): void {
    const { conversation } = this;
    const random = this.#random;
    switch (random.int(16)) {
      case 0:
      case 1:
      case 2:
        randomWrite(conversation, device, random);
        return;
      case 3:
        conversation.disconnect(device);
        return;
      case 4:
      case 5:
        this.#resume(device);
        return;
      case 6:
      case 7:
        this.#pause(device);
        return;
      case 8:
        conversation.tell(device, { type: random.int(2) === 0 ? 'reconnect' : 'renewed' });
        return;
      case 9:
        if (random.int(3) > 0) return;
        this.#forget(device);
        for (const [id, promised] of this.#promised)
          if (promised.device === device) this.#promised.delete(id);
        conversation.crash(device);
        return;
      case 10:
        if (random.int(4) === 0) conversation.crashServer();
        return;
      case 11:
        if (device.session.deadline === null) return;
        conversation.now = Math.max(conversation.now, device.session.deadline);
        conversation.tell(device, { type: 'timer', chance: 0 });
        return;
      case 12:
        this.#await(device);
        return;
      default:
        for (let moves = 1 + random.int(10); moves > 0; moves--) conversation.move();
    }
  }

  #direction(): Direction | undefined {
    return pick(this.#random, [undefined, 'upload', 'download'] as const);
  }

  #resume(device: Device): void {
    const direction = this.#direction();
    if (direction === undefined) this.#forget(device);
    else this.#limits[direction].delete(device);
    this.conversation.tell(
      device,
      direction === undefined ? { type: 'resume' } : { type: 'resume', direction },
    );
  }

  #pause(device: Device): void {
    const direction = this.#direction();
    this.conversation.tell(
      device,
      direction === undefined ? { type: 'pause' } : { type: 'pause', direction },
    );
    const { held, file } = device.session;
    // What was under way still arrives.
    if (held.upload && !this.#limits.upload.has(device))
      this.#limits.upload.set(device, this.#sent.get(device) ?? 0);
    if (held.download && !this.#limits.download.has(device))
      this.#limits.download.set(device, file.progress.download.serverVersion);
  }

  #await(device: Device): void {
    const random = this.#random;
    const { file } = device.session;
    const id = this.#nextId++;
    const newest = file.writes.to > file.writes.from ? file.writes.backing[file.writes.to - 1]?.version : 0;
    switch (random.int(3)) {
      case 0:
        this.#promised.set(id, { device, what: 'upload', version: newest ?? 0 });
        this.conversation.tell(device, { type: 'await', what: 'upload', id });
        return;
      case 1: {
        const versions = file.writes.backing.slice(file.writes.from, file.writes.to);
        const version = versions.length === 0 ? 0 : pick(random, versions).version;
        this.#promised.set(id, { device, what: 'upload', version });
        this.conversation.tell(device, { type: 'await', what: 'upload', id, version });
        return;
      }
      default:
        this.#promised.set(id, {
          device,
          what: 'download',
          version: this.conversation.server.partition.head,
        });
        this.conversation.tell(device, { type: 'await', what: 'download', id });
    }
  }

  #forget(device: Device): void {
    this.#limits.upload.delete(device);
    this.#limits.download.delete(device);
  }
}

const life = suite('the life of sessions');

life('ends alike for everybody, and keeps its promises on the way', () => {
  let answered = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const one = new Life(seeded(seed));
      one.run(80);
      answered += one.answered;
    }),
    { numRuns: 40 },
  );
  assert.ok(answered > 60, `${answered} waits were answered`);
});

life('a device that holds its downloads is sent nothing of the others, and is answered', () => {
  const random = seeded(11);
  const conversation = peopled(random, 2);
  const [a, b] = conversation.devices as [Device, Device];
  conversation.heal();
  conversation.tell(a, { type: 'pause', direction: 'download' });
  while (conversation.move());
  const { heard, number } = a.session;
  for (let i = 0; i < 20; i++) {
    randomWrite(conversation, b, random);
    while (conversation.move());
  }
  assert.equal([a.session.heard, a.session.number], [heard, number], 'not a word');
  randomWrite(conversation, a, random);
  conversation.tell(a, { type: 'await', what: 'upload', id: 1 });
  conversation.now = a.session.deadline ?? 0;
  conversation.tell(a, { type: 'timer', chance: 0 });
  while (conversation.move());
  assert.is(a.settled.get(1), null);
  assert.not(a.session.pinged);
  conversation.heal();
  assert.is(disagreement(conversation), null);
});

life.run();
