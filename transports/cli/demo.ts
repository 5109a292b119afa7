/**
 * `npm start`: the main job on real data. One server in a process of its own, two devices with stores of
 * their own, 3,201 films; both devices go offline and edit the same films, meet again, and everybody
 * ends with the same state. The exit code is 0 only if the three digests agree.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lmdb from 'lmdb';
import WebSocket from 'ws';
import type { Decision } from '../../core/index.js';
import { printInstruction } from '../../core/index.js';
import type { Client } from '../drivers/client.js';
import { openClient } from '../drivers/open-file.js';
import { webSocketConnector } from '../links/websocket.js';
import { lmdbClientStore } from '../stores/lmdb.js';
import { inspect } from './inspect.js';
import { loadMovies, movieSchema } from './movies.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { progressBar, table, wrap } from './table.js';

const PARTITION = 'cinema';
const BATCH = 100;

const openDevice = async (folder: string, url: string, connect = true): Promise<Client> =>
  openClient({
    schema: movieSchema,
    store: await lmdbClientStore({ lmdb, path: folder }),
    connector: webSocketConnector({ url, WebSocket }),
    partition: PARTITION,
    explain: true,
    connect,
  });

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const load = async (device: Client): Promise<number> => {
  const movies = await loadMovies();
  const draw = progressBar('  loading films on A', movies.length);
  for (let at = 0; at < movies.length; at += BATCH) {
    const batch = movies.slice(at, at + BATCH);
    const receipt = device.write((tx) => {
      for (const movie of batch) tx.create('Movie', { ...movie });
    });
    await receipt.saved;
    draw(at + batch.length);
  }
  return movies.length;
};

/** One meeting of the two devices: what each does offline, to which film, and which field shows the outcome. */
interface Meeting {
  readonly film: number;
  readonly a: string;
  readonly b: string;
  readonly doA: (device: Client) => void;
  readonly doB: (device: Client) => void;
  readonly outcome: (device: Client) => string;
  /** Why both stay, where no rule has to decide. */
  readonly both: string;
}

const set = (film: number, field: string, value: string) => (device: Client) =>
  void device.write((tx) => tx.set('Movie', film, field, value));
const add = (film: number, likes: number) => (device: Client) =>
  void device.write((tx) => tx.increment('Movie', film, 'likes', likes));
const show =
  (film: number, ...fields: readonly string[]) =>
  (device: Client): string => {
    const movie = device.object('Movie', film);
    if (movie === null) return 'the film is gone';
    return fields.map((field) => `${field} = ${JSON.stringify(movie[field])}`).join('\n');
  };

const meetings: readonly Meeting[] = [
  {
    film: 1,
    a: 'director = "A. Device"',
    b: 'genre = "Drama"',
    doA: set(1, 'director', 'A. Device'),
    doB: set(1, 'genre', 'Drama'),
    outcome: show(1, 'director', 'genre'),
    both: 'different fields of one object do not meet',
  },
  {
    film: 2,
    a: 'title = "Title of A"',
    b: 'title = "Title of B", later',
    doA: set(2, 'title', 'Title of A'),
    doB: set(2, 'title', 'Title of B'),
    outcome: show(2, 'title'),
    both: 'they did not meet',
  },
  {
    film: 3,
    a: 'deletes the film',
    b: 'title = "Still here?", later',
    doA: (device) => void device.write((tx) => tx.delete('Movie', 3)),
    doB: set(3, 'title', 'Still here?'),
    outcome: show(3, 'title'),
    both: 'they did not meet',
  },
  {
    film: 4,
    a: 'likes += 3',
    b: 'likes += 4',
    doA: add(4, 3),
    doB: add(4, 4),
    outcome: show(4, 'likes'),
    both: 'additions to a counter add up',
  },
];

const objectOf = (decision: Decision): string | null => {
  const { instruction } = decision.loser;
  return 'object' in instruction ? instruction.object : null;
};

const isOf = (film: number) => (decision: Decision) => objectOf(decision) === `i${film}`;

/** What the merge decided about a meeting: who won, and by which rule. */
const verdictOn = (
  meeting: Meeting,
  decisions: readonly Decision[],
  names: ReadonlyMap<number, string>,
): { readonly winner: string; readonly why: string } => {
  const decided = decisions.filter(isOf(meeting.film));
  const first = decided[0];
  if (first === undefined) return { winner: 'both', why: meeting.both };
  const winner = names.get(first.winner.changeset.origin) ?? `file ${first.winner.changeset.origin}`;
  return { winner, why: `${first.rule}: ${first.reason}` };
};

const run = async (folder: string, started: (server: ServerProcess) => void): Promise<boolean> => {
  const begun = performance.now();
  console.log('Syncline: two devices, one server, 3,201 films\n');
  const server = await startServerProcess(join(folder, 'server'));
  started(server);
  console.log(`server   ${server.url}, LMDB store, in a process of its own`);
  const a = await openDevice(join(folder, 'a'), server.url);
  let b = await openDevice(join(folder, 'b'), server.url);
  console.log('devices  A and B, each with an LMDB store\n');

  console.log('1. A loads the films, B receives them');
  let since = performance.now();
  const films = await load(a);
  await a.session.waitForUpload();
  console.log(`  uploaded and durable on the server after ${seconds(since)}`);
  await b.session.waitForDownload();
  const received = b.objects('Movie').size;
  console.log(`  B has ${received} of ${films} films after ${seconds(since)}\n`);

  console.log('2. Both go offline and edit');
  a.session.pause();
  b.session.pause();
  for (const meeting of meetings) meeting.doA(a);
  // The wall clock decides who was later: B's edits are made a moment after A's.
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const meeting of meetings) meeting.doB(b);
  console.log(
    `  A has ${a.session.describe().pendingWrites} writes that nobody has seen, B ${b.session.describe().pendingWrites}\n`,
  );

  console.log('3. They meet again');
  const decisions: Decision[] = [];
  const heard = b.session.decisions();
  void (async () => {
    for await (const made of heard) decisions.push(...made);
  })();
  since = performance.now();
  a.session.resume();
  await a.session.waitForUpload();
  b.session.resume();
  await b.session.waitForUpload();
  await a.session.waitForDownload();
  await b.session.waitForDownload();
  console.log(`  in agreement after ${seconds(since)}\n`);
  const names = new Map([
    [a.session.describe().ident, 'A'],
    [b.session.describe().ident, 'B'],
  ]);
  const rows = meetings.map((meeting) => {
    const { winner, why } = verdictOn(meeting, decisions, names);
    return [`Movie[${meeting.film}]`, meeting.a, meeting.b, winner, wrap(why, 44), meeting.outcome(a)];
  });
  console.log(table(['object', 'A, offline', 'B, offline', 'wins', 'rule and reason', 'result on A'], rows));
  const unexpected = decisions.filter(
    (decision) => !meetings.some((meeting) => isOf(meeting.film)(decision)),
  );
  for (const decision of unexpected)
    console.log(`  also: ${decision.rule} met ${printInstruction(decision.loser.instruction)}`);

  console.log('\n4. B restarts from its disk, the server stops, and everybody shows a digest');
  await b.close();
  b = await openDevice(join(folder, 'b'), server.url, false);
  const digestA = a.digest();
  const digestB = b.digest();
  await Promise.all([a.close(), b.close()]);
  await server.stop('SIGTERM');
  const report = (await inspect(join(folder, 'server'))).find((each) => each.partition === PARTITION);
  const digests = [
    ['A, in memory', digestA],
    ['B, from its disk', digestB],
    ['server, from its disk', report?.digest ?? 'nothing'],
  ] as const;
  for (const [who, digest] of digests) console.log(`  ${who.padEnd(22)} ${digest}`);

  const isAlike = new Set(digests.map(([, digest]) => digest)).size === 1 && received === films;
  const verdict = isAlike ? 'converged: three replicas, one state' : 'NOT converged: the digests differ';
  console.log(`\n${verdict}, in ${seconds(begun)}`);
  return isAlike;
};

const folder = await mkdtemp(join(tmpdir(), 'syncline-demo-'));
let server: ServerProcess | null = null;
try {
  const isConverged = await run(folder, (started) => {
    server = started;
  });
  process.exitCode = isConverged ? 0 : 1;
} finally {
  await (server as ServerProcess | null)?.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
