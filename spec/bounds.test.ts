/** Small tools at the ends of what they take: long arrays, large numbers, errors that are not theirs. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { Writer } from '../core/base/bytes.js';
import { answer, refuse, within } from '../core/base/decode-error.js';
import { writeArrayHead } from '../core/base/msgpack.js';
import { compareStrings } from '../core/base/order.js';
import { globalKey, keyValue } from '../core/model/key.js';
import type { ClientMessage } from '../core/protocol/messages.js';
import { newConnection, route, withoutNumber } from '../core/session/connection.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const bounds = suite('ends of what small tools take');

const written = (length: number): readonly number[] => {
  const writer = new Writer();
  writer.begin();
  writer.reserve(5);
  writeArrayHead(writer, length);
  return [...writer.finish()];
};

bounds('heads of arrays of any length', () => {
  assert.equal(written(15), [0x9f]);
  assert.equal(written(16), [0xdc, 0, 16]);
  assert.equal(written(65_535), [0xdc, 255, 255]);
  assert.equal(written(65_536), [0xdd, 0, 1, 0, 0]);
});

bounds('an error that is no refusal goes on to whom it concerns', () => {
  const bug = new TypeError('a bug');
  const thrown = (body: () => unknown): unknown => {
    try {
      return body();
    } catch (error) {
      return error;
    }
  };
  assert.is(
    thrown(() => answer(bug)),
    bug,
  );
  assert.is(
    thrown(() =>
      within(5, () => {
        throw bug;
      }),
    ),
    bug,
  );
  const refusal = thrown(() => within(5, () => refuse('malformed', 2, 'no')));
  const answered = answer(refusal);
  assert.equal(answered, E.left({ code: 'malformed', offset: 7, message: 'no' }));
});

bounds('a global key has no value that a property could show', () => {
  assert.throws(() => keyValue(globalKey(1n, 2n)), /a global key has no value/);
});

bounds('equal strings are in no order', () => {
  assert.equal([compareStrings('a', 'b'), compareStrings('b', 'a'), compareStrings('a', 'a')], [-1, 1, 0]);
});

const bind = (session: number, needIdent = false): ClientMessage => ({
  type: 'bind',
  session,
  partition: 'p',
  token: '',
  needIdent,
});

bounds('a connection carries so many sessions, and gives so many idents', () => {
  withLimits({ sessionsPerConnection: 2 }, () => {
    let connection = newConnection;
    for (const number of [1, 2]) {
      const next = route(connection, bind(number));
      assert.is(next.route.type, 'deliver');
      connection = next.connection;
    }
    const third = route(connection, bind(3));
    assert.ok(third.route.type === 'refuse');
    assert.is(third.route.code, 104);
    assert.match(third.route.message, 'more than 2 sessions');
    assert.is(route(withoutNumber(connection, 1), bind(3)).route.type, 'deliver');
    let asking = newConnection;
    for (const number of [1, 2]) asking = withoutNumber(route(asking, bind(number, true)).connection, number);
    const more = route(asking, bind(3, true));
    assert.ok(more.route.type === 'refuse');
    assert.match(more.route.message, 'more than 2 idents');
    assert.is(route(asking, bind(3)).route.type, 'deliver');
  });
});

bounds.run();
