import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { loadClientFile } from '../core/history/client-records.js';
import { digest } from '../core/model/digest.js';
import { randomLife } from './kit/conversation-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const base = suite('the base of a file');

base('it is the state of the server at the download cursor, after every step and every restart', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const states = new Map<number, string>();
      let steps = 0;
      const found = randomLife(
        seeded(seed),
        (conversation) => {
          const { head, state } = conversation.server.partition;
          for (const { name, session, records } of conversation.devices) {
            const { file } = session;
            const { serverVersion } = file.progress.download;
            if (serverVersion > head) continue;
            const expected = serverVersion === head ? digest(state) : states.get(serverVersion);
            const stored = loadClientFile(records.entries());
            if (E.isLeft(stored)) return stored.left.message;
            if (expected !== undefined && digest(file.base) !== expected)
              return `${name} has another base than the server had at ${serverVersion}`;
            if (digest(stored.right.base) !== digest(file.base)) return `${name} has stored another base`;
            if (digest(stored.right.state) !== digest(file.state)) return `${name} has stored another state`;
            steps++;
          }
          return null;
        },
        (conversation) => {
          conversation.onServerCommit = () => {
            const { head, state } = conversation.server.partition;
            states.set(head, digest(state));
          };
        },
      );
      if (found !== null) throw new Error(found);
      assert.ok(steps > 0);
    }),
    { numRuns: 8 },
  );
});

base.run();
