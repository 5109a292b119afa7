import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { supersede } from '../core/history/compact.js';
import { foldPrefix } from '../core/history/fold-prefix.js';
import { columnsOf, noColumns } from '../core/merge/column-lookup.js';
import type { Changeset } from '../core/model/changeset.js';
import { digest } from '../core/model/digest.js';
import type { Instruction } from '../core/model/instruction.js';
import { printChangesets } from '../core/model/notation.js';
import type { State } from '../core/model/state.js';
import { randomCourse } from './kit/compact-course.js';
import { LawCase, stateAfter } from './kit/compact-law.js';
import { sequences, type Theme, themes } from './kit/compact-themes.js';
import type { CompactWorld } from './kit/compact-world.js';
import { once, pick, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { randomInstructions } from './kit/valid.js';
import { build } from './kit/worlds.js';

const law4 = suite('compact, law 4');

const fail = (what: string, law: LawCase, position: number, pending: readonly Changeset[]): void => {
  const texts = [law.history, law.compacted, pending].map(printChangesets);
  assert.unreachable(
    `${what}\nhistory\n${texts[0]}\ncompacted\n${texts[1]}\nat ${position}, pending\n${texts[2]}`,
  );
};

/** Made where a collection of the kind is already, it does not converge (`core/merge/shared.ts`); no emitter of ours makes it. */
const makesCollection = (pending: readonly Changeset[]): boolean =>
  /= (list|dictionary)/.test(printChangesets(pending));

const idents = [2, 4];

/** Every history of two instructions with every order of times and idents, every position, every single write. */
const exhaust = ({ base: from, alphabet, isMixed }: Theme, compacter: typeof supersede): number => {
  const columns = columnsOf(from);
  let cases = 0;
  for (const pair of sequences(alphabet, 2, from))
    for (const second of [2, 4, 6])
      for (const ident of idents) {
        const first = 4;
        if (isMixed && (second < first || (second === first && ident < 4))) continue;
        const given: Changeset[] = [
          { version: 1, base: 0, timestamp: first, origin: isMixed ? 2 : 4, instructions: pair.slice(0, 1) },
          { version: 2, base: 0, timestamp: second, origin: ident, instructions: pair.slice(1) },
        ];
        for (const form of second === first && ident === 4 ? [given, joined(given)] : [given]) {
          const got = compacter(form, columns);
          if (got === form) continue;
          const law = new LawCase(from, form, got);
          for (let position = 0; position < form.length; position++)
            for (const letters of sequences(alphabet, 1, law.at(position)))
              for (let time = 1; time <= 7; time++) {
                if (isMixed && position > 0 && time <= first) continue;
                const pending = [
                  { version: 1, base: position, timestamp: time, origin: 3, instructions: letters },
                ];
                cases++;
                const wrong = law.breach(position, pending);
                if (wrong !== null && wrong !== 'divergent') fail(wrong, law, position, pending);
                const inside = makesCollection(pending) ? null : law.breachInside(position, pending);
                if (inside !== null) fail(inside, law, position, pending);
              }
        }
      }
  return cases;
};

const joined = (given: readonly Changeset[]): readonly Changeset[] => [
  { ...(given[0] as Changeset), instructions: given.flatMap((changeset) => changeset.instructions) },
];

for (const theme of themes)
  law4(`law 4 holds exhaustively for ${theme.name}`, () => {
    assert.ok(exhaust(theme, supersede) > 100);
  });

law4('law 4 holds for histories of three instructions, as far as chance goes through them', () => {
  const random = seeded(4);
  let changed = 0;
  for (let i = 0; i < 3000; i++) {
    const { base: from, alphabet, isMixed } = pick(random, themes);
    let state = from;
    let time = 2;
    const given: Changeset[] = [];
    for (let version = 1; version <= 3; version++) {
      const [letters] = shuffledSequence(random, alphabet, state);
      if (letters === undefined) break;
      time = isMixed ? time + random.int(2) : 2 + random.int(4);
      const changeset = {
        version,
        base: 0,
        timestamp: time,
        origin: pick(random, idents),
        instructions: letters,
      };
      given.push(isMixed ? { ...changeset, origin: 2 } : changeset);
      state = stateAfter(state, [changeset]) as State;
    }
    const got = supersede(given, columnsOf(from));
    if (got === given) continue;
    changed++;
    const law = new LawCase(from, given, got);
    for (let tries = 0; tries < 4; tries++) {
      const position = random.int(given.length);
      const [letters] = shuffledSequence(random, alphabet, law.at(position));
      const earliest = isMixed && position > 0 ? (given[position - 1] as Changeset).timestamp + 1 : 1;
      if (letters === undefined) continue;
      const timestamp = earliest + random.int(6);
      const pending = [{ version: 1, base: position, timestamp, origin: 3, instructions: letters }];
      const wrong = law.breach(position, pending);
      if (wrong !== null && wrong !== 'divergent') fail(wrong, law, position, pending);
    }
  }
  assert.ok(changed > 500);
});

const shuffledSequence = (random: Random, alphabet: Theme['alphabet'], state: State): Theme['alphabet'][] => {
  const all = sequences(alphabet, 1, state);
  return all.length === 0 ? [] : [pick(random, all)];
};

for (const isCausal of [true, false])
  law4(`law 4 holds at random, times ${isCausal ? 'ascending' : 'in any order'}`, () => {
    let changed = 0;
    for (let seed = 1; seed <= 800; seed++) {
      const random = seeded(seed);
      const whole = randomCourse(random, isCausal);
      const other = whole.copy();
      const from = once(random, 2) ? 0 : random.int(whole.head + 1);
      const to = once(random, 2) ? whole.head : from + random.int(whole.head - from + 1);
      const part = whole.entries.slice(from, to);
      const got = supersede(part, once(random, 3) ? noColumns : columnsOf(whole.state));
      if (got === part) continue;
      changed++;
      other.entries = [...whole.entries.slice(0, from), ...got, ...whole.entries.slice(to)];
      const story = `seed ${seed}\n${whole.describe()}\nfrom ${from} to ${to}\n${printChangesets(got)}`;
      whole.settle();
      other.settle();
      const digests = [...whole.digests(), ...other.digests()];
      assert.is(new Set(digests).size, 1, story);
    }
    assert.ok(changed > 200);
  });

law4('what is compacted once is compacted for good', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const world = randomCourse(seeded(seed), true);
    const once_ = supersede(world.entries, columnsOf(world.state));
    assert.is(supersede(once_, columnsOf(world.state)), once_, `seed ${seed}`);
  }
});

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

/** The world's history, folded up to the horizon and superseded above. */
const foldedHistory = (world: CompactWorld, horizon: number): readonly Changeset[] => {
  const { snapshot, rest } = orThrow(foldPrefix(world.entries, horizon, world.base));
  return [...snapshot, ...supersede(rest, columnsOf(world.state))];
};

law4('whoever is at the horizon or above cannot tell that the prefix was folded', () => {
  let folded = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed);
    const whole = randomCourse(random, true);
    for (const device of whole.devices) {
      if (once(random, 2)) whole.upload(device, 9);
      whole.download(device, random.int(whole.head + 1));
    }
    const horizon = Math.min(...whole.devices.map((device) => whole.known(device)));
    if (horizon < 1) continue;
    folded++;
    const history = foldedHistory(whole, horizon);
    assert.is(digest(stateAfter(build([]), history) as State), digest(whole.state));
    const other = whole.copy();
    other.entries = [...whole.entries.slice(0, horizon), ...history.slice(1)];
    whole.settle();
    other.settle();
    const digests = [...whole.digests(), ...other.digests()];
    assert.is(new Set(digests).size, 1, `seed ${seed}`);
  }
  assert.ok(folded > 50);
});

law4('a new device that wrote before its first contact meets the folded history, and converges', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed);
    const whole = randomCourse(random, true);
    whole.settle();
    if (whole.head === 0) continue;
    const [snapshot, ...rest] = foldedHistory(whole, 1 + random.int(whole.head));
    if (snapshot === undefined) throw new Error('nothing was folded');
    // The schema it has by itself, the objects it has to get.
    const isSchema = ({ kind }: Instruction): boolean => kind === 'AddTable' || kind === 'AddColumn';
    const own = build(snapshot.instructions.filter(isSchema));
    const contents = snapshot.instructions.filter((instruction) => !isSchema(instruction));
    const met = [{ ...snapshot, instructions: contents }, ...rest];
    const { instructions: made } = randomInstructions(random, own, 4, { emitted: true });
    const pending = [{ version: 1, base: 0, timestamp: random.int(30), origin: 9, instructions: made }];
    assert.is(new LawCase(own, met, met).breachInside(0, pending), null, `seed ${seed}`);
  }
});

law4.run();
