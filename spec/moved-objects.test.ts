/** What is kept of objects on their way between partitions: read back as it was written, and damage is named. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/base/record.js';
import { digest } from '../core/model/digest.js';
import { intKey } from '../core/model/key.js';
import { hasObject } from '../core/model/state.js';
import { encodeText } from '../core/reset/text-record.js';
import {
  arrival,
  contentsOf,
  emptied,
  inboxSpace,
  type Move,
  sent,
  waiting,
} from '../core/session/moved-objects.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const moved = suite('moved objects');

const schema = 'AddTable A topLevel _id: int\nAddColumn A.region: string\nAddColumn A.n: int';
const north = build(
  instructions(
    `${schema}\nCreateObject A[1]\nUpdate A[1].n = 5\nUpdate A[1].region = "n"\nCreateObject A[2]`,
  ),
);
const [one, two, gone] = [intKey(1n), intKey(2n), intKey(3n)];

const orThrow = <T>(either: E.Either<{ readonly message: string }, T>): T => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};
const faultOf = (either: E.Either<{ readonly message: string }, unknown>): string =>
  E.isLeft(either) ? either.left.message : '';

const partsOf = () => contentsOf(north, 'A', [one, gone, two], { name: 'region', value: 's' });

const outboxOf = (): readonly RecordEntry[] => {
  const [all] = partsOf();
  const first = orThrow(sent([], [{ target: '"s"', instructions: all ?? [] }]));
  const more = orThrow(sent(first, [{ target: '"t"', instructions: all ?? [] }]));
  return [...first.filter(({ index }) => index > 0), ...more];
};

moved('what builds objects elsewhere lacks those that have gone, and says where they are now', () => {
  const [all, ...more] = partsOf();
  assert.is(more.length, 0);
  const south = build([
    ...instructions('AddTable A topLevel _id: int\nAddColumn A.region: string'),
    ...(all ?? []).slice(1),
  ]);
  assert.ok(hasObject(south, 'A', one) && hasObject(south, 'A', two) && !hasObject(south, 'A', gone));
  assert.throws(
    () => contentsOf(north, 'Gone', [one], { name: 'region', value: 's' }),
    /does not exist: Gone/,
  );
});

moved('an outbox is read in order, and emptied up to a number', () => {
  const moves = orThrow(waiting(outboxOf()));
  assert.equal(
    moves.map(({ number, target }) => [number, target]),
    [
      [1, '"s"'],
      [2, '"t"'],
    ],
  );
  assert.equal(
    emptied(1).deletes.map(({ from, to }) => [from, to]),
    [
      [1, 2],
      [1, 2],
    ],
  );
});

const changed = (space: string, index: number, bytes: Uint8Array | null): readonly RecordEntry[] =>
  outboxOf().flatMap((entry) => {
    if (entry.space !== space || entry.index !== index) return [entry];
    return bytes === null ? [] : [{ ...entry, bytes }];
  });

const noise = Uint8Array.of(0xff, 0xfe, 1);

moved('an outbox that is damaged is named, and nothing of it is taken', () => {
  assert.match(faultOf(waiting(changed('outbox', 1, noise))), 'outbox/1');
  assert.match(faultOf(waiting(changed('outbox-to', 2, noise))), 'outbox-to/2');
  assert.match(faultOf(waiting(changed('outbox-to', 2, encodeText(5)))), 'it is no name');
  assert.match(faultOf(waiting(changed('outbox-to', 2, null))), 'outbox-to/2');
  for (const bytes of [noise, encodeText('5')])
    assert.match(faultOf(sent(changed('outbox', 0, bytes), [])), 'outbox/0');
});

const sender = '"n"';
const move = (): Move => orThrow(waiting(outboxOf()))[0] as Move;
const inboxWith = (value: unknown): readonly RecordEntry[] => [
  { space: inboxSpace(sender), index: 0, bytes: encodeText(value) },
];

moved('a move arrives once, whatever of its classes and objects is there already', () => {
  for (const present of [
    '',
    'AddTable A topLevel _id: int',
    'AddTable A topLevel _id: int\nAddColumn A.n: int\nAddColumn A.region: string\nCreateObject A[1]\nUpdate A[1].n = 7',
  ]) {
    // The target's own property of the key is there before anything arrives.
    const state = build(
      instructions(
        present.includes('A.region')
          ? present
          : `${present === '' ? 'AddTable A topLevel _id: int' : present}\nAddColumn A.region: string`,
      ),
    );
    const { instructions: all, records } = orThrow(arrival(state, [], sender, move()));
    const after = build(all, state);
    assert.ok(hasObject(after, 'A', one) && hasObject(after, 'A', two));
    const again = orThrow(arrival(after, records.puts, sender, move()));
    assert.equal([again.instructions, again.records.puts], [[], []]);
    assert.is(digest(build(again.instructions, after)), digest(after));
  }
});

moved('where the classes contradict each other, or the inbox is damaged, nothing arrives', () => {
  const other = build(instructions('AddTable A topLevel _id: string\nAddColumn A.region: string'));
  assert.ok(E.isLeft(arrival(other, [], sender, move())));
  const without = build([]);
  assert.ok(E.isLeft(arrival(without, [], sender, move())), 'nothing says what the key is');
  const damaged = [{ space: inboxSpace(sender), index: 0, bytes: noise }];
  assert.match(faultOf(arrival(north, damaged, sender, move())), 'inbox');
  for (const value of [5, [5], [['n']], [['n', '1']], [[1, 1]]])
    assert.match(
      faultOf(arrival(north, inboxWith(value), sender, move())),
      'does not hold senders and numbers',
    );
  assert.ok(E.isRight(arrival(north, inboxWith([['"other"', 9]]), sender, move())));
});

moved.run();
