import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { joinedLog, LogRewrite, type RewritePlan, type Rewritten } from '../core/history/log-rewrite.js';
import type { ServerEntry } from '../core/history/partition.js';
import { verifyCompaction } from '../core/history/verify.js';
import type { Changeset } from '../core/model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../core/model/codec.js';
import type { Instruction } from '../core/model/instruction.js';
import { emptyState, type State } from '../core/model/state.js';
import { type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { randomInstructions } from './kit/valid.js';
import { withLimits } from './kit/with-limits.js';
import { build, wholeSchema } from './kit/worlds.js';

const log = suite('the log, rewritten');

const orThrow = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

const entryOf = (changeset: Changeset): ServerEntry => {
  const bytes = encodeChangeset(changeset);
  return { ...unpack(orThrow(decodeChangeset(bytes))), bytes: bytes.length, through: 0 };
};

/** A server's log in the making. */
class Log {
  entries: ServerEntry[] = [];
  state: State = emptyState;
  compactions = 0;
  private time = 1000;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  get head(): number {
    return this.entries[this.entries.length - 1]?.version ?? 0;
  }

  add(instructions: readonly Instruction[], state: State): void {
    this.time += this.random.int(3);
    const origin = 2 + this.random.int(3);
    const version = this.head + 1;
    this.entries.push(entryOf({ version, base: version, timestamp: this.time, origin, instructions }));
    this.state = state;
  }

  grow(changesets: number): void {
    if (this.head === 0) this.add(wholeSchema(), build(wholeSchema()));
    for (let i = 0; i < changesets; i++) {
      const run = randomInstructions(this.random, this.state, 1 + this.random.int(6), { emitted: true });
      if (run.instructions.length > 0) this.add(run.instructions, run.state);
      else this.add([], this.state);
    }
  }

  plan(cut: number): RewritePlan {
    const bytes = this.entries.reduce((sum, entry) => sum + entry.bytes, 0);
    return { cut, head: this.head, state: this.state, compactions: this.compactions, bytes };
  }

  /** What is in the store afterwards. */
  after({ plan, snapshot, changed }: Rewritten): ServerEntry[] {
    const replaced = new Map(changed.map((entry) => [entry.changeset.version, entry]));
    return [
      ...snapshot.map(({ changeset }) => entryOf(changeset)),
      ...this.entries
        .filter(({ version }) => version > plan.cut)
        .map((entry) => {
          const other = replaced.get(entry.version);
          return other === undefined ? entry : entryOf(other.changeset);
        }),
    ];
  }
}

const rewritten = (entries: readonly ServerEntry[], plan: RewritePlan): E.Either<string, Rewritten> => {
  const rewrite = new LogRewrite(plan);
  for (let at = 0; at < entries.length; at += 7) rewrite.take(entries.slice(at, at + 7));
  for (;;) {
    const done = rewrite.step();
    if (done !== null) return done;
  }
};

log('is what the certificate says, folded and superseded, time after time', () => {
  const random = seeded(2026);
  let smaller = 0;
  for (let round = 0; round < 8; round++) {
    const history = new Log(random);
    let cut = 0;
    for (let times = 0; times < 3; times++) {
      history.grow(10 + random.int(30));
      cut += random.int(history.head - cut + 1);
      const before = history.entries;
      const result = orThrow(rewritten(before, history.plan(cut)));
      history.entries = history.after(result);
      const { certificate } = result;
      const was = joinedLog(before, 0);
      const is = joinedLog(history.entries, cut);
      assert.equal(verifyCompaction(was, is, certificate), []);
      assert.is(
        history.entries.reduce((sum, entry) => sum + entry.bytes, 0),
        result.bytes,
      );
      if (certificate.after.bytes < certificate.before.bytes) smaller++;
    }
  }
  assert.ok(smaller > 15, `${smaller}`);
});

log('stands in chunks where the snapshot is large', () => {
  withLimits({ snapshotChunk: 20 }, () => {
    const history = new Log(seeded(3));
    history.grow(60);
    const { head } = history;
    const result = orThrow(rewritten(history.entries, history.plan(head)));
    assert.ok(result.snapshot.length > 2);
    assert.equal(
      result.snapshot.map(({ changeset }) => changeset.version),
      result.snapshot.map((_, i) => head - result.snapshot.length + 1 + i),
    );
    assert.equal(
      verifyCompaction(history.entries, joinedLog(history.after(result), head), result.certificate),
      [],
    );
  });
});

log('is left alone where it has a gap, or leads elsewhere than the state', () => {
  const history = new Log(seeded(4));
  history.grow(20);
  const without = history.entries.filter(({ version }) => version !== 9);
  assert.match(JSON.stringify(rewritten(without, history.plan(0))), /entry 8 where 9 was expected/);
  assert.match(JSON.stringify(rewritten(history.entries.slice(2), history.plan(0))), /no entry 0/);
  const lying = { ...history.plan(5), state: emptyState };
  assert.match(JSON.stringify(rewritten(history.entries, lying)), /leads to another state/);
});

log.run();
