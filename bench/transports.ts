/**
 * What the way from one device to others costs, all of it on loopback.
 *
 * Round trips: two devices write in turn, each as soon as it has seen what the other wrote. Both are in one
 * process, the server in another; with the link in memory all three are in one. `latency` is that of one write
 * on one device until an observer on the other is called with it.
 *
 * Fan-out: a writer makes changes, a transaction each, and many subscribers of the same partition are sent
 * them. The server, the subscribers, and the writer with two real readers are three processes. Subscribers are
 * light (`transports-subscribers.ts`): they read what frames a change and do not decode it, for peers as for
 * us; the readers are real clients, and must end with what the writer has. `delivered` counts changes that have
 * come to subscribers, per second from the first write to the last arrival, where the writer makes a change in
 * every turn of its event loop; `latency` is from the call of the write until the frame is in the subscriber's
 * process, over all changes and all subscribers; `server time` is the processor's, for one delivered change.
 * Paced, the writer makes 100 changes a second, a quarter as many beforehand that do not count, and the subjects
 * take turns.
 *
 * Peers are ShareDB, whose writer keeps each change apart (`preventCompose`), and Yjs behind y-websocket's own
 * server. Floors send the same bytes with `ws` and know nothing: a frame for each change, or one for all that
 * comes within a turn.
 *
 * Idle: what the server's process grows by for each session that is bound, caught up and silent.
 *
 * Goals: 400,000 delivered changes per second; paced a p99 of no more than that of `floor-ws` and 2 ms; less
 * than 20 kB for an idle session, with 5,000 of them.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, type Suite, type SuiteOptions } from './suite.js';
import { Child, type Usage } from './transports-control.js';

interface Ports {
  readonly webSocket: number;
  readonly longPoll: number;
}

interface Delivery {
  readonly last: number;
  readonly frames: number;
  readonly p50: number;
  readonly p99: number;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const peersFolder = new URL('../../bench/peers/', import.meta.url);

const peers = ['sharedb', 'y-websocket'];
const floors = ['floor-ws', 'floor-ws-batched'];

/** Starting their processes takes longer than smoke sizes: of what works alike the last is enough. */
const few = <T>(subjects: readonly T[], smoke: boolean): readonly T[] =>
  smoke ? subjects.slice(-1) : subjects;

const peersAreInstalled = (): boolean => {
  if (existsSync(new URL('node_modules', peersFolder))) return true;
  console.error(
    'PEERS ARE NOT INSTALLED, and so are not measured. To install them: npm ci --prefix bench/peers',
  );
  return false;
};

/** Starts a process of a subject, whose script knows by what it is asked whether it is the server or the writer. */
const start = (role: 'server' | 'writer', subject: string): Child =>
  peers.includes(subject)
    ? new Child(
        fileURLToPath(new URL('transports.mjs', peersFolder)),
        subject,
        script('./transports-control.js'),
        script('./transports-job.js'),
      )
    : new Child(script(role === 'server' ? './transports-server.js' : './transports-writer.js'));

/** Runs `work` with a server of the subject, and ends what it was given to start. */
const withServer = async (
  subject: string,
  work: (server: Child, ports: Ports, started: (child: Child) => Child) => Promise<void>,
): Promise<void> => {
  const children: Child[] = [];
  const started = (child: Child): Child => {
    children.push(child);
    return child;
  };
  try {
    const server = started(start('server', subject));
    await work(server, await server.ask<Ports>('listen', subject), started);
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
};

interface RoundTrips {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const runRoundTrips = ({ smoke, report }: SuiteOptions): Promise<void> =>
  withServer('syncline', async (_, { webSocket, longPoll }, started) => {
    const writer = started(start('writer', 'syncline'));
    const count = smoke ? 20 : 500;
    for (const [link, port] of [
      ['memory', 0],
      ['websocket', webSocket],
      ['long-poll', longPoll],
    ] as const) {
      const asked = { link, port, count, warmUp: count / 4 };
      const { perSecond, p50, p99 } = await writer.ask<RoundTrips>('roundTrips', asked);
      const row = { workload: `round trips over ${link}`, subject: 'syncline' };
      report({ ...row, metric: 'rate', value: perSecond, unit: 'round trips/s' });
      report({ ...row, metric: 'latency, p50', value: p50, unit: 'ms' });
      report({ ...row, metric: 'latency, p99', value: p99, unit: 'ms' });
    }
  });

interface FanOut {
  readonly subscribers: number;
  readonly changes: number;
  readonly pacedChanges: number;
  readonly repetitions: number;
}

const sizesOf = (smoke: boolean): FanOut =>
  smoke
    ? { subscribers: 5, changes: 50, pacedChanges: 10, repetitions: 1 }
    : { subscribers: 200, changes: 2000, pacedChanges: 2000, repetitions: 3 };

interface Score {
  readonly delivered: number;
  readonly frames: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverMicroseconds: number;
}

/** Makes so many changes, one each so many milliseconds, or as fast as it can (0). */
type Delivered = (count: number, every: number) => Promise<Score>;

const fanOut = async (
  subject: string,
  subscribers: number,
  work: (delivered: Delivered) => Promise<void>,
): Promise<void> =>
  withServer(subject, async (server, { webSocket: port }, started) => {
    const writer = started(start('writer', subject));
    await writer.ask('open', { subject, port, readers: 2 });
    const subscribing = started(new Child(script('./transports-subscribers.js')));
    await subscribing.ask('open', { subject, port, count: subscribers });
    await work(async (count, every) => {
      await subscribing.ask('expect', count);
      const before = await server.ask<Usage>('usage');
      const times = await writer.ask<number[]>('write', { count, every });
      const { last, frames, p50, p99 } = await subscribing.ask<Delivery>('delivered', times);
      const after = await server.ask<Usage>('usage');
      await writer.ask('converged');
      const deliveries = count * subscribers;
      return {
        delivered: (1000 * deliveries) / (last - (times[0] ?? 0)),
        frames,
        p50,
        p99,
        serverMicroseconds: (1000 * (after.cpuMilliseconds - before.cpuMilliseconds)) / deliveries,
      };
    });
  });

const reportScores = (
  { report }: SuiteOptions,
  workload: string,
  subject: string,
  scores: readonly Score[],
  isPaced: boolean,
): void => {
  const of = (metric: string, unit: string, value: (score: Score) => number): void =>
    report({ workload, subject, metric, value: median(scores.map(value)), unit });
  if (!isPaced) of('delivered', 'changes/s', ({ delivered }) => delivered);
  of('latency, p50', 'ms', ({ p50 }) => p50);
  of('latency, p99', 'ms', ({ p99 }) => p99);
  of('frames', 'frames', ({ frames }) => frames);
  of('server time', 'µs/change', ({ serverMicroseconds }) => serverMicroseconds);
};

const subjectsOf = ({ wants }: SuiteOptions, least: readonly string[]): readonly string[] => {
  const wanted = peers.filter(wants);
  return ['syncline', ...(wanted.length > 0 && peersAreInstalled() ? wanted : []), ...least];
};

const runLoaded = async (options: SuiteOptions): Promise<void> => {
  const { subscribers, changes, repetitions } = sizesOf(options.smoke);
  for (const subject of subjectsOf(options, few(floors, options.smoke)))
    await fanOut(subject, subscribers, async (delivered) => {
      const scores: Score[] = [];
      if (repetitions > 1) await delivered(changes, 0);
      for (let i = 0; i < repetitions; i++) scores.push(await delivered(changes, 0));
      reportScores(options, `${changes} changes to ${subscribers}`, subject, scores, false);
    });
};

const runPaced = async (options: SuiteOptions): Promise<void> => {
  const { subscribers, pacedChanges, repetitions } = sizesOf(options.smoke);
  // Each has just been through the same job, but for its pace.
  const subjects = options.smoke ? ['syncline'] : subjectsOf(options, ['floor-ws']);
  const scores = new Map(subjects.map((subject): [string, Score[]] => [subject, []]));
  for (let i = 0; i < repetitions; i++)
    for (const [subject, own] of scores)
      await fanOut(subject, subscribers, async (delivered) => {
        await delivered(Math.ceil(pacedChanges / 4), 10);
        own.push(await delivered(pacedChanges, 10));
      });
  for (const [subject, own] of scores)
    reportScores(options, `100 changes a second to ${subscribers}`, subject, own, true);
};

const runIdle = async ({ smoke, report }: SuiteOptions): Promise<void> => {
  const count = smoke ? 300 : 5000;
  for (const subject of few(['floor-ws', 'syncline'], smoke))
    await withServer(subject, async (server, { webSocket: port }, started) => {
      const open = async (more: number): Promise<void> => {
        const subscribing = started(new Child(script('./transports-subscribers.js')));
        await subscribing.ask('open', { subject, port, count: more });
      };
      // Code that runs for the first time takes memory, too.
      await open(smoke ? 20 : 200);
      const before = await server.ask<Usage>('usage');
      await open(count);
      const after = await server.ask<Usage>('usage');
      const row = { workload: `${count} idle sessions`, subject, unit: 'kB/session' };
      const each = (bytes: number): number => bytes / 1000 / count;
      report({ ...row, metric: 'heap', value: each(after.heapBytes - before.heapBytes) });
      if (!smoke)
        report({ ...row, metric: 'resident', value: each(after.residentBytes - before.residentBytes) });
    });
};

/** By the names that `--only` takes. */
const parts: Readonly<Record<string, (options: SuiteOptions) => Promise<void>>> = {
  'round-trips': runRoundTrips,
  'fan-out': runLoaded,
  paced: runPaced,
  idle: runIdle,
};

export const suite: Suite = {
  name: 'transports',
  question: 'What does the way from one device to others cost?',
  peers,
  parts: Object.keys(parts),
  run: async (options) => {
    for (const [part, run] of Object.entries(parts)) if (options.does(part)) await run(options);
  },
};
