/**
 * A network between devices and servers that keeps the contract of a link, and no more: frames arrive whole,
 * in order and at most once, after a while, or the link is lost with all that is under way.
 *
 * A link breaks (nothing arrives any more, and each end learns of it in its own time: soon, or by heartbeats
 * much later, being half open until then), and new ones are unreachable while a device is cut off. A program
 * that dies says nothing: its peer learns of it as of a broken link. Links never duplicate or reorder; that is
 * done to the requests of long-poll links (`http.ts`), whose task it is to hide it.
 */
import type { CloseReason, Connector, Link, LinkEvents, Listener } from '../../transports/ports.js';
import type { Random } from '../kit/random.js';
import type { Life, VirtualTime } from './time.js';

export interface Weather {
  /** Milliseconds that a frame takes at least, and at most besides. */
  delay: number;
  jitter: number;
  /** Milliseconds for each kilobyte that the device reads; 0 where it reads at once. */
  drag: number;
  isCutOff: boolean;
}

type Side = 'device' | 'server';

/** Milliseconds after which a silent link is given up by heartbeats, at most. */
export const heartbeats = 45_000;

const lost: CloseReason = { code: 'lost', message: 'the link broke' };
const nobody: Life = { isAlive: false };

class End implements Link {
  readonly #wire: Wire;
  readonly side: Side;
  life: Life;
  events: Omit<LinkEvents, 'opened'> | null = null;
  bufferedBytes = 0;
  hasEnded = false;
  /** When what was sent last arrives. */
  lastDue = 0;

  constructor(wire: Wire, side: Side, life: Life) {
    this.#wire = wire;
    this.side = side;
    this.life = life;
  }

  send(frame: Uint8Array): void {
    if (!this.hasEnded && this.life.isAlive) this.#wire.carry(this, frame);
  }

  close(reason: CloseReason): void {
    if (this.hasEnded || !this.life.isAlive) return;
    this.#wire.announce(this, reason);
    this.end(reason);
  }

  /** Nothing is sent or reported any more but the end, in a turn of its own. */
  end(reason: CloseReason, after = 0): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#wire.network.time.schedule(after, () => {
      this.bufferedBytes = 0;
      if (this.life.isAlive) this.events?.closed(reason);
      this.#wire.ended(this);
    });
  }

  receive(frame: Uint8Array): void {
    if (!this.hasEnded && this.life.isAlive) this.events?.frame(frame);
  }
}

class Wire {
  readonly network: Network;
  readonly device: string;
  readonly server: string;
  readonly deviceEnd: End;
  readonly serverEnd: End;
  /** Nothing gets through any more. */
  #isSilent = false;

  constructor(network: Network, device: string, server: string, life: Life) {
    this.network = network;
    this.device = device;
    this.server = server;
    this.deviceEnd = new End(this, 'device', life);
    this.serverEnd = new End(this, 'server', nobody);
  }

  #other(end: End): End {
    return end === this.deviceEnd ? this.serverEnd : this.deviceEnd;
  }

  carry(from: End, frame: Uint8Array): void {
    const to = this.#other(from);
    from.bufferedBytes += frame.length;
    const { drag } = this.network.weatherOf(this.device);
    this.#later(from, from.side === 'server' ? Math.ceil((frame.length * drag) / 1000) : 0, () => {
      from.bufferedBytes -= frame.length;
      to.receive(frame);
    });
    this.network.passed(this);
  }

  announce(from: End, { code, message }: CloseReason): void {
    this.#later(from, 0, () =>
      this.#other(from).end({ code: code === 'unreachable' ? 'lost' : code, message }),
    );
  }

  /** After what `from` has sent before. */
  #later(from: End, slow: number, action: () => void): void {
    const { time } = this.network;
    from.lastDue = Math.max(from.lastDue, time.now() + this.network.delay(this.device)) + slow;
    time.schedule(from.lastDue - time.now(), () => {
      if (!this.#isSilent) action();
    });
  }

  /** Both ends learn that the link is lost, each within `most` milliseconds. */
  break(most: number): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    for (const end of [this.deviceEnd, this.serverEnd])
      this.network.time.schedule(this.network.random.int(most + 1), () => end.end(lost));
  }

  /** Whether nothing gets through, and a program of the device does not know. */
  get isHalfOpen(): boolean {
    return this.#isSilent && !this.deviceEnd.hasEnded && this.deviceEnd.life.isAlive;
  }

  ended(end: End): void {
    if (this.#other(end).hasEnded) this.network.forget(this);
    if (end === this.serverEnd) this.network.released(this.server);
  }

  /** The first message of the device has arrived where the server should be. */
  arrive(station: Station | undefined, opened: () => void): void {
    const { deviceEnd, serverEnd } = this;
    if (deviceEnd.hasEnded) return;
    if (station === undefined || !station.life.isAlive) {
      serverEnd.hasEnded = true;
      deviceEnd.end({ code: 'unreachable', message: 'nobody listens' });
      return;
    }
    serverEnd.life = station.life;
    this.#later(serverEnd, 0, () => {
      if (!deviceEnd.hasEnded && deviceEnd.life.isAlive) opened();
    });
    serverEnd.events = station.accept(serverEnd);
  }
}

interface Station {
  readonly accept: (link: Link) => Omit<LinkEvents, 'opened'>;
  readonly life: Life;
}

export class Network {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly #weather: ReadonlyMap<string, Weather>;
  readonly #stations = new Map<string, Station>();
  readonly #wires = new Set<Wire>();
  readonly #closing = new Map<string, () => void>();
  /** One link in so many breaks with each frame; 0 for never. */
  frailty = 0;
  onBreak: (device: string) => void = () => undefined;

  constructor(time: VirtualTime, random: Random, weather: ReadonlyMap<string, Weather>) {
    this.time = time;
    this.random = random;
    this.#weather = weather;
  }

  weatherOf(device: string): Weather {
    return this.#weather.get(device) as Weather;
  }

  delay(device: string): number {
    const { delay, jitter } = this.weatherOf(device);
    return delay + this.random.int(jitter + 1);
  }

  passed(wire: Wire): void {
    if (this.frailty === 0 || this.random.int(this.frailty) > 0) return;
    this.onBreak(wire.device);
    wire.break(this.random.int(4) === 0 ? 5_000 : 200);
  }

  forget(wire: Wire): void {
    this.#wires.delete(wire);
  }

  released(server: string): void {
    const resolve = this.#closing.get(server);
    if (resolve === undefined) return;
    for (const { server: of, serverEnd } of this.#wires)
      if (of === server && serverEnd.life.isAlive && !serverEnd.hasEnded) return;
    this.#closing.delete(server);
    resolve();
  }

  /** The most bytes that wait on any link of a server. */
  get mostBuffered(): number {
    let most = 0;
    for (const wire of this.#wires) most = Math.max(most, wire.serverEnd.bufferedBytes);
    return most;
  }

  get hasHalfOpen(): boolean {
    return [...this.#wires].some(({ isHalfOpen }) => isHalfOpen);
  }

  /** Breaks the links that `isMeant` names; both ends of each learn of it within `most` milliseconds. */
  break(isMeant: (device: string, server: string) => boolean, most: number): number {
    let broken = 0;
    for (const wire of this.#wires)
      if (isMeant(wire.device, wire.server)) {
        wire.break(most);
        broken++;
      }
    return broken;
  }

  connector(device: string, life: Life, route: () => string): Connector {
    return {
      connect: (events) => {
        const wire = new Wire(this, device, route(), life);
        const { deviceEnd } = wire;
        deviceEnd.events = events;
        this.#wires.add(wire);
        if (this.weatherOf(device).isCutOff) {
          wire.serverEnd.hasEnded = true;
          deviceEnd.end({ code: 'unreachable', message: 'no answer' }, 3_000);
        } else {
          const delay = this.delay(device);
          deviceEnd.lastDue = this.time.now() + delay;
          this.time.schedule(delay, () =>
            wire.arrive(this.#stations.get(wire.server), () => events.opened()),
          );
        }
        return deviceEnd;
      },
    };
  }

  listener(server: string, life: Life): Listener {
    return {
      listen: async (accept) => {
        this.#stations.set(server, { accept, life });
      },
      close: async () => {
        this.#stations.delete(server);
        for (const wire of this.#wires)
          if (wire.server === server && wire.serverEnd.life === life)
            wire.serverEnd.close({ code: 'goingAway', message: 'the server closes' });
        await new Promise<void>((resolve) => {
          this.#closing.set(server, resolve);
          this.released(server);
        });
      },
    };
  }
}
