import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { loadClientFile } from '../core/history/client-records.js';
import { addTable } from '../core/model/instruction.js';
import type { Device, Stranger } from './kit/conversation.js';
import { disagreement, peopled, randomWrite } from './kit/conversation-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const time = suite('attacks with time');

const isReadable = (device: Device): boolean => E.isRight(loadClientFile(device.records.entries()));

time('a stamp at the end of numbers does not leave a device without a later one', () => {
  const conversation = peopled(seeded(1), 1);
  const [a] = conversation.devices as [Device];
  conversation.heal();
  const { progress } = a.session.file;
  const version = progress.download.serverVersion + 1;
  conversation.tell(a, {
    type: 'message',
    chance: 0,
    message: {
      type: 'download',
      session: a.session.number,
      download: { ...progress.download, serverVersion: version },
      upload: progress.upload,
      latest: { version, salt: 9 },
      downloadableBytes: 0,
      changesets: [
        {
          version,
          base: progress.download.lastIntegratedClientVersion,
          timestamp: Number.MAX_SAFE_INTEGER,
          origin: 77,
          instructions: [addTable('Late', { type: 'embedded' })],
        },
      ],
    },
  });
  assert.is(a.session.phase, 'streaming');
  randomWrite(conversation, a, seeded(2));
  assert.ok(isReadable(a));
  assert.is(a.session.file.stamp, limits.timestamp);
});

time('the server refuses a stamp beyond the limit, and only that', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const upload = (stranger: Stranger, timestamp: number): string => {
    conversation.say(stranger, { type: 'bind', session: 1, partition: 'p', token: '', needIdent: true });
    const [given] = stranger.heard;
    if (given?.type !== 'ident') throw new Error('no ident');
    conversation.say(stranger, {
      type: 'identify',
      session: 1,
      ident: given.ident,
      salt: given.salt,
      latest: { version: 0, salt: 0 },
      download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
    });
    while (conversation.move());
    conversation.say(stranger, {
      type: 'upload',
      session: 1,
      progress: { clientVersion: 1, lastIntegratedServerVersion: 0 },
      lockedServerVersion: 0,
      changesets: [
        { version: 1, base: 0, timestamp, origin: 0, instructions: [addTable('New', { type: 'embedded' })] },
      ],
    });
    const last = stranger.heard[stranger.heard.length - 1];
    return last?.type === 'error' ? `${last.code} ${last.message}` : String(last?.type);
  };
  assert.is(upload(conversation.stranger(), limits.timestamp), 'download');
  assert.match(upload(conversation.stranger(), limits.timestamp + 1), '212 changeset 1 is stamped');
  conversation.heal();
  assert.is(disagreement(conversation), null);
});

time('a clock that gives fractions, or times before 1970, spoils nothing', () => {
  for (const now of [1234.56, -5.5, 0]) {
    const conversation = peopled(seeded(3), 1);
    const [a] = conversation.devices as [Device];
    conversation.now = now;
    randomWrite(conversation, a, seeded(4));
    for (const move of [1, 2, 3, 4, 5, 6]) {
      conversation.now = now;
      conversation.moves()[0]?.();
      assert.ok(isReadable(a), `after move ${move} at ${now}`);
    }
    conversation.heal();
    assert.is(disagreement(conversation), null);
    conversation.crash(a);
    conversation.crashServer();
    conversation.heal();
    assert.is(disagreement(conversation), null, String(now));
  }
});

time.run();
