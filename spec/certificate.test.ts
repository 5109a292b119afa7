import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { type Certificate, compact, extentOf } from '../core/history/certificate.js';
import { type FindingCode, verifyCompaction } from '../core/history/verify.js';
import type { Changeset } from '../core/model/changeset.js';
import { digest } from '../core/model/digest.js';
import { printChangesets } from '../core/model/notation.js';
import { base, examples, folds, history, split } from './kit/compact-cases.js';
import { counters } from './kit/compact-counters.js';
import { randomCourse } from './kit/compact-course.js';
import { once, pick, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, contentWeights, randomInstructions } from './kit/valid.js';
import { build, randomWorld } from './kit/worlds.js';

const certificate = suite('certificate');

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

const given = history(`[1 by 2]
  Update @.x = 1
  AddInteger @.x += 2
  [2 by 3]
  Update @.x = 5
  Update @.t = "s"
  [3 by 2]
  Update @.t = "u"
  ArrayInsert @.l[0] = 1 of 2
  ArrayErase @.l[0] of 3
  [4 by 2]
  SetInsert @.s 1`);

certificate('says what was there and is there', () => {
  const compacted = orThrow(compact(given, { from: base }));
  const whole = build(
    given.flatMap(({ instructions }) => instructions),
    base,
  );
  assert.equal(compacted.certificate, {
    first: 1,
    head: 4,
    cut: 0,
    before: extentOf(given),
    after: extentOf(compacted.history),
    digestAtCut: digest(base),
    digestAtHead: digest(whole),
    safeFrom: 0,
    expires: [],
  });
  assert.equal(compacted.certificate.before.instructions, 8);
  assert.equal(compacted.certificate.after.instructions, 3);
  assert.equal(compacted.certificate.after.changesets, 4);
  assert.ok(compacted.certificate.after.bytes < compacted.certificate.before.bytes);
  assert.equal(verifyCompaction(given, compacted.history, compacted.certificate, { from: base }), []);
});

certificate('says which clients a cut leaves behind', () => {
  const clients = [5, 2, 9].map((ident, i) => ({ ident, version: i }));
  const { certificate: record, history: got } = orThrow(compact(given, { from: base, horizon: 2, clients }));
  assert.is(record.cut, 2);
  assert.is(record.safeFrom, 2);
  assert.equal(record.expires, [
    { ident: 2, version: 1 },
    { ident: 5, version: 0 },
  ]);
  assert.equal(verifyCompaction(given, got, record, { from: base, clients }), []);
});

certificate('is not made for a damaged history', () => {
  assert.ok(E.isLeft(compact(given)));
  assert.ok(E.isLeft(compact(given, { horizon: 2 })));
});

certificate('of an empty history holds', () => {
  const { certificate: record, history: got } = orThrow(compact([]));
  assert.equal(got, []);
  assert.equal(verifyCompaction([], [], record), []);
});

/** The codes found, without repetition. */
const codes = (
  after: readonly Changeset[],
  changed: Partial<Certificate> = {},
  horizon = 0,
): FindingCode[] => {
  const { certificate: record } = orThrow(compact(given, { from: base, horizon }));
  const claimed = { ...record, after: extentOf(after), ...changed };
  const clients = [{ ident: 7, version: 1 }];
  const findings = verifyCompaction(given, after, claimed, { from: base, clients });
  for (const { message } of findings) assert.ok(message.length > 10);
  return [...new Set(findings.map(({ code }) => code))];
};

certificate('every lie about the whole is found', () => {
  const { history: got } = orThrow(compact(given, { from: base }));
  assert.equal(codes(got), []);
  assert.equal(codes(got, { first: 2 }), ['range']);
  assert.equal(codes(got, { head: 5 }), ['range']);
  assert.equal(codes(got, { before: { changesets: 4, instructions: 8, bytes: 1 } }), ['extent']);
  assert.equal(codes(got, { after: { ...extentOf(got), instructions: 4 } }), ['extent']);
  assert.equal(codes(got, { digestAtHead: '0'.repeat(32) }), ['digest']);
  assert.equal(codes(got, { digestAtCut: '0'.repeat(32) }), ['digest']);
  const expires = [{ ident: 7, version: 1 }];
  assert.equal(codes(got, { expires }), ['positions']);
  const { history: folded } = orThrow(compact(given, { from: base, horizon: 2 }));
  assert.equal(codes(folded, { expires }, 2), []);
  assert.equal(codes(folded, {}, 2), ['positions']);
  assert.equal(codes(folded, { expires, safeFrom: 1 }, 2), ['positions']);
});

certificate('every changed version, base, time and origin is found', () => {
  const { history: got } = orThrow(compact(given, { from: base }));
  const [first, ...rest] = got;
  for (const change of [{ version: 9 }, { base: 1 }, { timestamp: 7 }, { origin: 5 }])
    assert.equal(codes([{ ...(first as Changeset), ...change }, ...rest]), ['versions']);
  assert.equal(codes(rest), ['versions']);
  assert.equal(codes([...got, { ...(first as Changeset), version: 5 }]), ['versions']);
});

certificate('every damage to a snapshot is found', () => {
  const expires = [{ ident: 7, version: 1 }];
  const { history: got } = orThrow(compact(given, { from: base, horizon: 2 }));
  const [snapshot, ...rest] = got as [Changeset, ...Changeset[]];
  for (const change of [{ version: 1 }, { timestamp: 9 }, { origin: 2 }])
    assert.equal(codes([{ ...snapshot, ...change }, ...rest], { expires }, 2), ['snapshot']);
  const instructions = snapshot.instructions.slice(0, -1);
  assert.ok(codes([{ ...snapshot, instructions }, ...rest], { expires }, 2).includes('snapshot'));
  assert.ok(codes(rest, { expires }, 2).includes('snapshot'));
});

certificate('histories that cannot be applied are found', () => {
  const { history: got } = orThrow(compact(given, { from: base }));
  const [first, ...rest] = got as [Changeset, ...Changeset[]];
  const bad = history('[1 by 2]\nUpdate A[9].x = 1')[0]?.instructions ?? [];
  assert.ok(codes([{ ...first, instructions: bad }, ...rest]).includes('replay'));
});

/** What verification says of one history in place of another, whatever the certificate says of the whole. */
const judged = (before: readonly Changeset[], after: readonly Changeset[], from = base): FindingCode[] => {
  const { certificate: record } = orThrow(compact(before, { from }));
  const findings = verifyCompaction(before, after, { ...record, after: extentOf(after) }, { from });
  return [...new Set(findings.map(({ code }) => code))];
};

for (const { rule, text } of examples)
  certificate(`justifies ${rule}`, () => {
    const { before, after } = split(text);
    if (before.includes('E2')) return;
    assert.equal(judged(history(before), history(after)), []);
  });

for (const [name, before, after] of folds)
  certificate(`justifies ${name}`, () => {
    assert.equal(judged(history(before), history(after)), []);
  });

for (const { name, from, before, tempting } of counters)
  certificate(`finds out: ${name}`, () => {
    const found = judged(history(before), history(tempting), from);
    assert.ok(found.includes('removal') || found.includes('change'), found.join());
  });

const count = (all: readonly Changeset[]): number => all.flatMap(({ instructions }) => instructions).length;

certificate('compactions at random are verified, with and without a horizon', () => {
  let removed = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const world = randomCourse(random, once(random, 2));
    const horizon = once(random, 2) ? 0 : random.int(world.head + 1);
    const options = { from: world.base, horizon };
    const { history: got, certificate: record } = orThrow(compact(world.entries, options));
    const findings = verifyCompaction(world.entries, got, record, options);
    assert.equal(findings, [], `seed ${seed}\n${printChangesets(world.entries)}\n${printChangesets(got)}`);
    if (horizon === 0) removed += count(world.entries) - count(got);
  }
  assert.ok(removed > 100);
});

certificate('single devices, long changesets and changes of the schema are verified, too', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const from = randomWorld(random, { steps: 6, columnsPerTable: 3 });
    let state = from;
    const all: Changeset[] = [];
    const weights = pick(random, [
      contentWeights,
      allWeights,
      { Update: 10, AddInteger: 8, ArrayInsert: 8, ArrayErase: 8, CreateObject: 1 },
    ]);
    for (let version = 1, length = 1 + random.int(6); version <= length; version++) {
      const run = randomInstructions(random, state, 1 + random.int(12), { weights });
      state = run.state;
      const head = { version, base: 0, timestamp: random.int(4), origin: 2 + random.int(3) };
      all.push({ ...head, instructions: run.instructions });
    }
    const { history: got, certificate: record } = orThrow(compact(all, { from }));
    const findings = verifyCompaction(all, got, record, { from });
    assert.equal(findings, [], `seed ${seed}\n${printChangesets(all)}\n${printChangesets(got)}`);
  }
});

certificate('one more removal than is justified is found, whichever it is', () => {
  let planted = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const random = seeded(seed);
    const world = randomCourse(random, true);
    const { history: got, certificate: record } = orThrow(compact(world.entries, { from: world.base }));
    const at = random.int(Math.max(1, got.length));
    const victim = got[at];
    if (victim === undefined || victim.instructions.length === 0) continue;
    const index = random.int(victim.instructions.length);
    const instructions = victim.instructions.filter((_, i) => i !== index);
    const after = got.map((changeset, i) => (i === at ? { ...changeset, instructions } : changeset));
    const findings = verifyCompaction(
      world.entries,
      after,
      { ...record, after: extentOf(after) },
      { from: world.base },
    );
    assert.ok(
      findings.some(({ code }) => code === 'removal' || code === 'change'),
      `seed ${seed}\n${printChangesets(world.entries)}\n${printChangesets(after)}`,
    );
    planted++;
  }
  assert.ok(planted > 80);
});

certificate.run();
