/** The client's machine: one direction paused, silence, pauses between attempts, tokens that are refused. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { loadClientFile } from '../core/history/client-records.js';
import { defaultTiming, retryDelay } from '../core/session/client-session.js';
import { Machine } from './kit/client-machine.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const directions = suite('one direction paused');

const types = (machine: Machine) => machine.sent.map((message) => message.type);

/** Streaming, and then bound anew with downloads held. */
const withoutDownloads = (): Machine => {
  const machine = new Machine().stream().tell({ type: 'pause', direction: 'download' });
  assert.is(machine.phase, 'unbinding');
  machine.hear({ type: 'unbound' });
  assert.equal(machine.did, ['authorize'], 'on the same link');
  return machine.tell({ type: 'opened', token: 't' });
};

directions('uploads: writes wait, downloads come, and all goes up afterwards', () => {
  const machine = new Machine().stream().tell({ type: 'pause', direction: 'upload' });
  assert.is(machine.phase, 'streaming');
  machine.write();
  assert.equal(machine.did, ['commit', 'changed']);
  machine.download(['Foreign']);
  assert.is(machine.session.file.progress.download.serverVersion, 1);
  assert.equal(machine.sent, [], 'an acknowledgement would overtake the write');
  machine.tell({ type: 'resume', direction: 'upload' });
  assert.equal(
    machine.sent.map((message) => message.type === 'upload' && message.changesets.length),
    [1],
  );
});

directions('uploads: downloads are acknowledged where no write waits', () => {
  withLimits({ acknowledgedVersions: 1 }, () => {
    const machine = new Machine().stream().tell({ type: 'pause', direction: 'upload' }).download(['Foreign']);
    assert.equal(
      machine.sent.map((message) => message.type === 'upload' && message.changesets.length),
      [0],
    );
  });
});

directions('downloads: the server is told, nothing changes here, and all comes down afterwards', () => {
  const machine = withoutDownloads();
  assert.is(machine.phase, 'streaming');
  assert.equal(types(machine), ['bind', 'identify']);
  assert.ok(machine.sent.some((message) => message.type === 'identify' && message.uploadsOnly === true));
  machine.write();
  assert.equal(types(machine), ['upload']);
  const { state, progress } = machine.session.file;
  // A server that sends what nobody wants.
  machine.download(['Foreign'], machine.session.file.version);
  assert.is(machine.session.file.state, state);
  assert.is(machine.session.file.progress.upload.clientVersion, 1);
  assert.equal(machine.session.file.progress.download, progress.download);
  machine.tell({ type: 'resume', direction: 'download' });
  assert.is(machine.phase, 'unbinding');
  machine.hear({ type: 'unbound' }).tell({ type: 'opened', token: 't' });
  const identify = machine.sent.find((message) => message.type === 'identify');
  assert.ok(identify?.type === 'identify' && identify.uploadsOnly === undefined);
  assert.equal(identify.download, progress.download);
});

directions(
  'downloads: an acknowledgement is saved with the version that it holds for, and the server asked for it',
  () => {
    const machine = withoutDownloads().write();
    const { progress } = machine.session.file;
    machine.download([], 1);
    const [commit] = machine.effects;
    assert.ok(commit?.type === 'commit');
    const saved = loadClientFile([...commit.batch.puts]);
    assert.ok(E.isRight(saved));
    assert.equal(saved.right.progress, {
      download: progress.download,
      upload: { ...progress.upload, clientVersion: 1 },
      latest: { version: progress.download.serverVersion + 1, salt: 3 },
    });
    machine.tell({ type: 'resume', direction: 'download' });
    machine.hear({ type: 'unbound' }).tell({ type: 'opened', token: 't' });
    const identify = machine.sent.find((message) => message.type === 'identify');
    assert.ok(identify?.type === 'identify');
    assert.equal(identify.latest, saved.right.progress.latest);
  },
);

directions('downloads: waits for them end after they are resumed, and not before', () => {
  const machine = withoutDownloads().tell({ type: 'await', what: 'download', id: 7 });
  assert.equal(machine.did, []);
  machine.wake().answerMark();
  assert.equal(machine.did, [], 'a sign of life is no answer');
  machine.tell({ type: 'resume', direction: 'download' }).hear({ type: 'unbound' });
  machine.tell({ type: 'opened', token: 't' }).download(['Foreign']).answerMark();
  assert.equal(machine.did.slice(0, 1), ['settled']);
});

directions('downloads: a binding that begins so uploads at once, and asks for no mark', () => {
  const machine = new Machine().tell({ type: 'resume', direction: 'upload' }).write();
  machine.tell({ type: 'opened', token: 't' });
  assert.is(machine.phase, 'streaming');
  assert.equal(types(machine), ['bind', 'identify', 'upload']);
});

directions('downloads: paused while catching up lets uploads go', () => {
  const machine = new Machine().write().tell({ type: 'resume' }).tell({ type: 'opened', token: 't' });
  assert.is(machine.phase, 'catchingUp');
  machine.tell({ type: 'pause', direction: 'download' }).hear({ type: 'unbound' });
  machine.tell({ type: 'opened', token: 't' });
  assert.equal(types(machine), ['bind', 'identify', 'upload']);
});

directions('downloads: silence is broken and answered all the same', () => {
  const machine = withoutDownloads().wake();
  assert.equal(types(machine), ['mark']);
  assert.is(machine.answerMark().phase, 'streaming');
  assert.is(machine.wake().wake().phase, 'disconnected');
});

directions('both, one after the other, are a whole pause, and either wakes it', () => {
  const machine = new Machine().stream().tell({ type: 'pause', direction: 'upload' });
  machine.tell({ type: 'pause', direction: 'download' });
  assert.is(machine.phase, 'unbinding');
  machine.hear({ type: 'unbound' });
  assert.is(machine.phase, 'paused');
  machine.tell({ type: 'resume', direction: 'download' });
  assert.is(machine.phase, 'connecting');
  assert.equal(machine.session.held, { upload: true, download: false });
});

directions.run();

const silence = suite('silence');

silence('is broken by a mark, and ends the link where that is not answered', () => {
  const machine = new Machine().stream().wake();
  assert.equal(
    machine.sent.map((message) => message.type),
    ['mark'],
  );
  assert.is(machine.session.deadline, machine.now + defaultTiming.patience);
  machine.wake();
  assert.is(machine.phase, 'disconnected');
  assert.ok(machine.effects.some((effect) => effect.type === 'disconnect' && effect.cause === 'timeout'));
  assert.match(String(machine.session.failure?.message), 'silent');
});

silence('is over with any message, and the next one is noticed in its own time', () => {
  const machine = new Machine().stream().wake();
  machine.now += 50;
  machine.answerMark();
  assert.is(machine.phase, 'streaming');
  assert.is(machine.session.deadline, machine.now + defaultTiming.silence);
});

silence('costs no timer with each message: the deadline is moved when it comes', () => {
  const machine = new Machine().stream();
  machine.now += 1000;
  machine.download(['Foreign']);
  const heard = machine.now;
  assert.not(machine.effects.some((effect) => effect.type === 'timer'));
  machine.wake();
  assert.equal(machine.sent, []);
  assert.is(machine.session.deadline, heard + defaultTiming.silence);
});

silence('while catching up ends the link, too', () => {
  const machine = new Machine().tell({ type: 'resume' }).tell({ type: 'opened', token: 't' });
  assert.is(machine.wake().phase, 'catchingUp');
  assert.is(machine.wake().phase, 'disconnected');
});

silence('is not measured by a clock that was set back', () => {
  const machine = new Machine().stream();
  machine.now -= 10_000_000;
  machine.tell({ type: 'timer', chance: 0 });
  assert.is(machine.sent[0]?.type, 'mark');
});

silence('may be allowed for ever', () => {
  assert.is(new Machine({ silence: Number.POSITIVE_INFINITY }).stream().session.deadline, null);
});

silence.run();

const attempts = suite('attempts');

const lose = (machine: Machine, more: { retryAfter?: number; tooLarge?: boolean } = {}): number => {
  machine.tell({ type: 'closed', reason: 'lost', chance: 0, ...more });
  return (machine.session.deadline ?? 0) - machine.now;
};

attempts('are forgiven after a good while, and not after a short one', () => {
  const machine = new Machine().tell({ type: 'resume' });
  assert.equal([lose(machine), lose(machine.wake()), lose(machine.wake())], [1000, 2000, 4000]);
  machine.wake().tell({ type: 'opened', token: 't' }).answerMark();
  machine.now += 100;
  assert.is(lose(machine), 8000);
  machine.wake().tell({ type: 'opened', token: 't' }).answerMark();
  machine.now += defaultTiming.stable;
  assert.is(lose(machine), 1000);
});

attempts('are forgiven to a device that gets on', () => {
  const machine = new Machine().tell({ type: 'resume' });
  lose(machine);
  lose(machine.wake());
  machine.wake().tell({ type: 'opened', token: 't' }).download(['Foreign']);
  assert.is(lose(machine), 1000);
});

attempts('wait as long as the server asks, within reason, and not all for the same time', () => {
  const after = (retryAfter: number) => lose(new Machine().tell({ type: 'resume' }), { retryAfter });
  assert.is(after(30_000), 30_000);
  assert.is(after(10), 1000);
  assert.is(after(10 ** 12), defaultTiming.hintMost);
  for (const odd of [Number.NaN, -5, Number.POSITIVE_INFINITY]) assert.is(after(odd), 1000);
  const late = retryDelay(defaultTiming, 0, 0.9, 30_000);
  assert.ok(late > 30_000 && late <= 37_500);
});

attempts('follow at once where the peer asks to come again, but not over and over', () => {
  const machine = new Machine().stream();
  machine.now += defaultTiming.stable;
  assert.is(lose(machine, { retryAfter: 0 }), 0);
  machine.wake().tell({ type: 'opened', token: 't' }).answerMark();
  assert.is(lose(machine, { retryAfter: 0 }), 2000);
  assert.is(lose(machine.wake(), { retryAfter: 0 }), 4000);
});

attempts('after an error wait as long as the server asks', () => {
  const machine = new Machine().stream();
  const error = { type: 'error', code: 201, message: 'busy', tryAgain: true, action: 'Transient' } as const;
  machine.hear({ ...error, retryAfter: 20_000 });
  assert.is(machine.phase, 'suspended');
  assert.is(machine.session.deadline, machine.now + 20_000);
});

attempts('are made at once where the app asks, and count anew', () => {
  const machine = new Machine().tell({ type: 'resume' });
  lose(machine);
  lose(machine.wake());
  machine.tell({ type: 'reconnect' });
  assert.is(machine.phase, 'connecting');
  assert.ok(machine.effects.some((effect) => effect.type === 'connect' && effect.urgent));
  assert.is(lose(machine), 1000);
});

attempts('on a link that seems open: it is asked, and given up soon', () => {
  const machine = new Machine().stream().tell({ type: 'reconnect' });
  assert.equal(
    machine.sent.map((message) => message.type),
    ['mark'],
  );
  assert.is(machine.session.deadline, machine.now + defaultTiming.urgency);
  assert.is(machine.wake().phase, 'disconnected');
});

attempts('on a link that was asked already: the answer need not come later for that', () => {
  const machine = new Machine({ patience: 500 }).stream().wake();
  const { deadline } = machine.session;
  machine.tell({ type: 'reconnect' });
  assert.is(machine.session.deadline, deadline);
});

attempts('after an upload was too large carry less, and end with a reason where nothing is less', () => {
  const machine = new Machine().stream();
  let tries = 0;
  for (let i = 0; i < 100 && machine.phase !== 'failed'; i++) {
    if (i === 0) machine.write();
    tries++;
    lose(machine, { tooLarge: true });
    if (machine.phase === 'disconnected') machine.wake().tell({ type: 'opened', token: 't' }).answerMark();
  }
  assert.is(machine.phase, 'failed');
  assert.is(machine.session.failure?.name, 'limits_exceeded');
  assert.ok(tries < 8, `${tries} attempts`);
});

attempts('after a download was too large are those after any loss', () => {
  const machine = new Machine().stream();
  const { portion } = machine.session;
  lose(machine, { tooLarge: true });
  assert.is(machine.session.portion, portion);
});

attempts.run();

const tokens = suite('tokens that are refused');

const refuse = (machine: Machine, code: 202 | 203, tryAgain: boolean) =>
  machine.hear({ type: 'error', code, message: 'no', tryAgain, action: 'ApplicationBug' });

const connects = (machine: Machine) =>
  machine.effects.flatMap((effect) => (effect.type === 'connect' ? [effect.refused] : []));

tokens('are replaced at once, and once: then the session fails', () => {
  const machine = new Machine().tell({ type: 'resume' });
  assert.equal(connects(machine), [false]);
  refuse(machine.tell({ type: 'opened', token: 'old' }), 203, false);
  assert.is(machine.phase, 'connecting');
  assert.equal(connects(machine), [true]);
  refuse(machine.tell({ type: 'opened', token: 'new' }), 203, false);
  assert.is(machine.phase, 'failed');
  machine.tell({ type: 'resume' });
  assert.equal(connects(machine), [true]);
});

tokens('for having expired are replaced with growing pauses for as long as it takes', () => {
  const machine = new Machine().tell({ type: 'resume' }).tell({ type: 'opened', token: 'old' });
  refuse(machine, 202, true);
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    assert.equal(connects(machine), [true]);
    refuse(machine.tell({ type: 'opened', token: 'old' }), 202, true);
    waits.push((machine.session.deadline ?? 0) - machine.now);
    machine.wake();
  }
  assert.equal(waits, [2000, 4000, 8000, 16_000]);
  machine.tell({ type: 'opened', token: 'new' }).answerMark();
  assert.is(machine.phase, 'streaming');
  assert.is(machine.session.failure, null);
});

tokens('do not make a loop of a server that accepts them first', () => {
  const machine = new Machine().tell({ type: 'resume' });
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    machine.tell({ type: 'opened', token: 't' }).answerMark();
    refuse(machine, 202, true);
    waits.push(machine.phase === 'connecting' ? 0 : (machine.session.deadline ?? 0) - machine.now);
    if (machine.phase !== 'connecting') machine.wake();
  }
  assert.equal(waits, [0, 2000, 4000, 8000, 16_000]);
});

tokens('that are replaced in time cost a farewell on the same link, and nothing else', () => {
  const machine = new Machine().stream().write().tell({ type: 'renewed' });
  assert.equal(
    machine.sent.map((message) => message.type),
    ['unbind'],
  );
  machine.hear({ type: 'unbound' });
  assert.equal(machine.did, ['authorize']);
  machine.tell({ type: 'opened', token: 'new' }).answerMark();
  const upload = machine.sent[0];
  assert.is(upload?.type === 'upload' && upload.changesets.length, 1);
});

tokens.run();
