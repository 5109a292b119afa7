import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type ReplayCommand, replayFile } from '../transports/cli/replay.js';
import { openClient } from '../transports/client.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { memoryRecording } from '../transports/recording.js';
import { memoryClientStore } from '../transports/stores/memory.js';
import { eventually } from './kit/async.js';
import { setUp } from './kit/driver-world.js';
import { withDigestChanged } from './kit/recordings.js';
import { suite } from './kit/suite.js';

const test = suite('syncline replay');

const main = fileURLToPath(new URL('../transports/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'syncline-replay-'));
const file = join(folder, 'session.rec');
const bad = join(folder, 'bad.rec');

interface Said {
  readonly status: number | null;
  readonly lines: readonly string[];
  readonly last: string;
  readonly errors: string;
}

const syncline = (args: readonly string[], input = ''): Said => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'replay', ...args], {
    encoding: 'utf8',
    input,
  });
  const lines = stdout.trimEnd().split('\n');
  return { status, lines, last: lines[lines.length - 1] ?? '', errors: stderr };
};

/** The same within this process, which takes a fraction of the time: status 1 where not all is well, 2 where it throws. */
const replayed = async (path: string, options: Partial<ReplayCommand> = {}): Promise<Said> => {
  const printed: string[] = [];
  const nothing = { from: null, to: null, step: null, until: null, anonymize: null };
  const no = { why: false, bisect: false, interactive: false, names: false };
  let status = 0;
  let errors = '';
  try {
    const isWell = await replayFile({ path, ...nothing, ...no, ...options }, (text) => printed.push(text));
    status = isWell ? 0 : 1;
  } catch (error) {
    status = 2;
    errors = String(error);
  }
  const lines = printed.join('\n').split('\n');
  return { status, lines, last: lines[lines.length - 1] ?? '', errors };
};

const schema = [
  { name: 'Task', primaryKey: '_id', properties: { _id: 'string', title: 'string', votes: 'int' } },
];

/** Two devices that have changed the same object while they were apart; the second one is recorded. */
test.before(async () => {
  const recorder = memoryRecording();
  const { open, server } = await setUp();
  const ann = await open({ schema, connect: false });
  const ben = await open({ schema, connect: false, recorder });
  for (const [client, title] of [
    [ann, 'buy milk'],
    [ben, 'buy oat milk'],
  ] as const) {
    client.write((tx) => tx.create('Task', { _id: 'a', title: 'buy', votes: 1 }));
    client.write((tx) => tx.update('Task', 'a', { title }));
  }
  for (const client of [ann, ben]) {
    client.session.resume();
    await client.session.waitForUpload();
    await client.session.waitForDownload();
  }
  for (let i = 0; i < 40; i++) ben.write((tx) => tx.update('Task', 'a', { votes: i }));
  ben.write((tx) => tx.create('Task', { _id: 'late', title: 'last of all', votes: 0 }));
  await ben.session.waitForUpload();
  await ann.close();
  await ben.close();
  await server.close();
  writeFileSync(file, recorder.bytes());
  writeFileSync(bad, withDigestChanged(recorder.bytes(), 7));
});

test.after(() => rmSync(folder, { recursive: true }));

test('shows every step, and says that all went as it was recorded', () => {
  const { status, lines, last } = syncline([file]);
  assert.is(status, 0);
  const steps = lines.filter((line) => /^step \d+ \d{4}-\d\d-\d\dT\S+Z client 1 \(p\) /.test(line));
  assert.match(lines[0] ?? '', `recorded by syncline 0.1.0, protocol 1: ${steps.length} steps of 1 machine`);
  assert.ok(steps.length > 50);
  assert.match(steps.join('\n'), /paused → connecting: resume ⇒ connect, timer/);
  assert.match(steps.join('\n'), /streaming: write 1 instruction ⇒ commit, changed, send upload/);
  assert.is(last, `${steps.length} steps reproduced exactly`);
});

test('shows some of them, or one with what was decided, and why', async () => {
  const some = await replayed(file, { from: 3, to: 5 });
  assert.equal(
    some.lines.filter((line) => line.startsWith('step')).map((line) => line.split(' ')[1]),
    ['3', '4', '5'],
  );
  const found = await replayed(file, { until: 'decision=U1' });
  assert.is(found.status, 0, found.errors);
  const number = /^step (\d+) is the first that has decision=U1/.exec(found.last)?.[1] ?? '';
  const { status, lines, last } = syncline([file, '--step', number, '--why']);
  assert.is(status, 0);
  const text = lines.join('\n');
  assert.match(text, /^ {2}in {3}download /m);
  assert.match(text, /^ {2}why {2}U1 discarded: \S/m);
  assert.match(text, /Update Task\["a"\]\.title = "buy milk"/);
  assert.match(last, 'steps reproduced exactly');
});

test('names the first step that differs, and fails', async () => {
  const { status, last } = syncline([bad]);
  assert.is(status, 1);
  assert.match(last, /^step 7 differs: its effects/);
  const bisected = await replayed(bad, { bisect: true });
  assert.is(bisected.status, 1);
  assert.match(bisected.last, /^step 7 is the first that goes wrong/);
});

test('finds the first step after which something holds, by halves where it lasts', async () => {
  const looks = ({ last }: Said): number => Number(/; (\d+) steps were looked at/.exec(last)?.[1]);
  const late = await replayed(file, { bisect: true, until: 'Task["late"]' });
  assert.is(late.status, 0);
  assert.match(late.lines.join('\n'), /in {3}write .*\n.*CreateObject Task\["late"\]/);
  assert.ok(looks(late) < 12, late.last);
  const title = await replayed(file, { until: 'Task["late"].title = "last of all"' });
  assert.is(title.last.split(' ')[1], late.last.split(' ')[1]);
  assert.match((await replayed(file, { until: 'effect=upload' })).last, /^step \d+ is the first/);
  const never = await replayed(file, { until: 'phase=failed' });
  assert.is(never.status, 1);
  assert.match(never.last, /^no step has phase=failed/);
  const wrong = await replayed(file, { until: 'whatever' });
  assert.is(wrong.status, 2);
  assert.match(wrong.errors, 'whatever: expected phase=, event=');
});

test('steps forward and back as it is told', () => {
  const { status, lines, last } = syncline(
    [file, '--interactive'],
    'n\nn\nb\ng 9\nf effect=upload\nw\ng 5000\nwhat\nq\n',
  );
  assert.is(status, 0);
  const shown = lines.filter((line) => line.startsWith('step ')).map((line) => Number(line.split(' ')[1]));
  assert.equal(shown.slice(0, 5), [1, 2, 3, 2, 9]);
  assert.ok((shown[5] ?? 0) > 9);
  assert.is(shown[6], shown[5]);
  assert.match(lines.join('\n'), /there are steps 1 to \d+/);
  assert.match(last, 'steps reproduced exactly');
});

test('writes a recording to be shared, that goes the same way', async () => {
  for (const more of [[], ['--names']]) {
    const out = join(folder, `shared${more.length}.rec`);
    const made = syncline([file, '--anonymize', out, ...more]);
    assert.is(made.status, 0, made.errors);
    assert.is(made.last, 'every step goes the way of the original');
    const bytes = readFileSync(out);
    for (const text of ['buy oat milk', 'last of all']) {
      assert.ok(readFileSync(file).includes(text));
      assert.not.ok(bytes.includes(text));
    }
    assert.is(bytes.includes('title'), more.length === 0);
    const { status, last } = await replayed(out);
    assert.is(status, 0);
    assert.match(last, /^\d+ steps reproduced exactly$/);
  }
});

test('a server on a folder records what its partitions go through', async () => {
  const out = join(folder, 'server.rec');
  const data = join(folder, 'data');
  const child = spawn(process.execPath, [main, 'serve', data, '--port', '0', '--record', out]);
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const found = /listening on (ws:\S+)/.exec(printed)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(printed)));
  });
  const client = await openClient({
    schema,
    partition: 'team',
    store: memoryClientStore(),
    connector: webSocketConnector({ url, WebSocket }),
  });
  for (let i = 0; i < 5; i++) client.write((tx) => tx.create('Task', { _id: `${i}` }));
  await client.session.waitForUpload();
  const hasUpload = async (): Promise<boolean> => {
    const { status, lines } = await replayed(out);
    return status === 0 && lines.some((line) => line.includes('connection 1: upload'));
  };
  // While it is written, and after the writer was killed as it was.
  await eventually('the upload is in the file', hasUpload);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await client.close();
  const { status, lines, last } = await replayed(out);
  assert.is(status, 0);
  assert.match(lines.join('\n'), /server 1 \(team\) version \d → \d: connection 1: upload/);
  assert.match(last, /^\d+ steps reproduced exactly$/);
});

test('says what is wrong with what it is given', async () => {
  writeFileSync(join(folder, 'note.txt'), 'no recording at all');
  const { status, errors } = syncline([join(folder, 'note.txt')]);
  assert.is(status, 2);
  assert.match(errors, 'note.txt: it is no recording');
  assert.match((await replayed(file, { step: 5000 })).errors, /there are steps 1 to \d+/);
});

test('whoever asks for help gets it', () => {
  for (const option of ['--help', '-h']) {
    const { status, lines, errors } = syncline([option]);
    assert.is(status, 0);
    assert.is(errors, '');
    assert.ok(lines.some((line) => line.includes('syncline replay FILE --bisect')));
  }
});

test.run();
