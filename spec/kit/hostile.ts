/**
 * Messages that no honest client or server would send, and that can all be encoded: cursors that lie,
 * numbers that are huge, changesets that fit nothing, everything in any order and any number of times.
 * Numbers come mostly from what the other side holds, so that many get past the first check.
 */
import type { Changeset } from '../../core/model/changeset.js';
import {
  addColumn,
  addTable,
  eraseColumn,
  eraseTable,
  type Instruction,
} from '../../core/model/instruction.js';
import type { State } from '../../core/model/state.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import { columnSpecs, tableSpecs } from './alphabet.js';
import { pick, type Random } from './random.js';
import { allWeights, randomInstructions } from './valid.js';
import { randomWorld } from './worlds.js';

const huge = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 32, 2 ** 31] as const;

/** Around one of `near`, or small, or huge. */
const number = (random: Random, near: readonly number[]): number => {
  if (random.int(12) === 0) return pick(random, huge);
  if (random.int(8) === 0) return random.int(5);
  return Math.min(Math.max(0, pick(random, near) + random.int(3) - 1), Number.MAX_SAFE_INTEGER);
};

/** Mostly instructions that were valid somewhere else, with numbers changed here and there. */
export const strangeInstructions = (random: Random, state: State): readonly Instruction[] => {
  switch (random.int(20)) {
    case 0:
      return randomInstructions(random, state, 1 + random.int(3), { weights: allWeights }).instructions;
    case 3:
      return randomInstructions(random, randomWorld(random), 1 + random.int(4), { weights: allWeights })
        .instructions;
    case 4: {
      const [name, spec] = pick(random, [...tableSpecs]);
      const other = pick(random, [...tableSpecs.values()]);
      return [random.int(2) === 0 ? eraseTable(name) : addTable(name, random.int(2) === 0 ? spec : other)];
    }
    case 5: {
      const [field, spec] = pick(random, [...columnSpecs]);
      const other = pick(random, [...columnSpecs.values()]);
      const table = pick(random, [...tableSpecs.keys()]);
      return [
        random.int(2) === 0
          ? eraseColumn(table, field)
          : addColumn(table, field, random.int(2) === 0 ? spec : other),
      ];
    }
    case 6:
    case 7:
      return randomInstructions(random, state, 3, { emitted: true }).instructions.map((instruction) => {
        if (random.int(2) === 0) return instruction;
        const changed: Record<string, unknown> = { ...instruction };
        for (const name of ['index', 'priorSize', 'to'])
          if (typeof changed[name] === 'number') changed[name] = random.int(2 ** random.int(31));
        if ('table' in changed && random.int(3) === 0)
          changed['table'] = pick(random, ['A', 'B', 'E', 'nope']);
        if ('field' in changed && random.int(3) === 0)
          changed['field'] = pick(random, [...columnSpecs.keys(), 'nope']);
        return changed as unknown as Instruction;
      });
    default:
      return randomInstructions(random, state, 1 + random.int(4), { emitted: true }).instructions;
  }
};

/** What an attacker may know of the one who is attacked. */
export interface Target {
  readonly state: State;
  readonly versions: readonly number[];
  readonly salts: readonly number[];
  readonly idents: readonly number[];
  /** Where the next changesets would honestly be: the version before them, and the lowest and highest base. */
  readonly next: { readonly version: number; readonly base: number; readonly most: number };
}

const between = (random: Random, low: number, high: number): number =>
  high > low ? low + random.int(high - low + 1) : low;

const changesetsFor = (random: Random, target: Target, lies: (honest: number) => number): Changeset[] => {
  const changesets: Changeset[] = [];
  let { version, base } = target.next;
  for (let count = random.int(4); count > 0; count--) {
    version = Math.min(version + 1 + random.int(2), Number.MAX_SAFE_INTEGER);
    base = between(random, base, target.next.most);
    changesets.push({
      version: lies(version),
      base: lies(base),
      timestamp: random.int(10) === 0 ? pick(random, huge) : 1_000_000 + random.int(1000),
      origin: 0,
      instructions: strangeInstructions(random, target.state),
    });
  }
  return changesets;
};

/** Tells a lie once in `times`. */
const liar =
  (random: Random, times: number, near: readonly number[]) =>
  (honest: number): number =>
    random.int(times) === times - 1 ? number(random, near) : honest;

export const strangeClientMessage = (random: Random, target: Target, session: number): ClientMessage => {
  const lies = liar(random, 30, target.versions);
  switch (random.int(12)) {
    case 0:
      return {
        type: 'bind',
        session: session + random.int(3),
        partition: 'p',
        token: '',
        needIdent: random.int(3) === 0,
      };
    case 1:
      return {
        type: 'identify',
        session,
        ident: pick(random, target.idents),
        salt: pick(random, target.salts),
        latest: { version: number(random, target.versions), salt: pick(random, target.salts) },
        download: {
          serverVersion: number(random, target.versions),
          lastIntegratedClientVersion: number(random, target.versions),
        },
      };
    case 2:
    case 3:
      return { type: 'mark', session, request: number(random, [1, 2, 3]) };
    case 4:
      return random.int(4) === 0
        ? { type: 'clientError', session, code: 212, message: 'so it says' }
        : { type: 'unbind', session };
    default: {
      const changesets = changesetsFor(random, target, lies);
      const last = changesets[changesets.length - 1];
      return {
        type: 'upload',
        session,
        progress: {
          clientVersion: lies(last?.version ?? target.next.version),
          lastIntegratedServerVersion: lies(last?.base ?? target.next.base),
        },
        lockedServerVersion: lies(target.next.most),
        changesets,
      };
    }
  }
};

export const strangeServerMessage = (random: Random, target: Target, session: number): ServerMessage => {
  const lies = liar(random, 40, target.versions);
  const to = lies(session);
  switch (random.int(16)) {
    case 0:
      return {
        type: 'ident',
        session: to,
        ident: pick(random, target.idents),
        salt: pick(random, target.salts),
      };
    case 1:
    case 2:
      return { type: 'mark', session: to, request: lies(1 + random.int(3)) };
    case 3:
      return random.int(3) === 0
        ? { type: 'unbound', session: to }
        : {
            type: 'error',
            session: to,
            code: 201,
            message: 'so it says',
            tryAgain: random.int(4) > 0,
            action: 'Transient',
          };
    default: {
      const changesets = changesetsFor(random, target, lies).map((changeset) => ({
        ...changeset,
        origin: lies(1_000_000 + random.int(3)),
      }));
      const last = changesets[changesets.length - 1];
      const serverVersion = last?.version ?? target.next.version;
      const base = between(random, last?.base ?? target.next.base, target.next.most);
      return {
        type: 'download',
        session: to,
        download: { serverVersion: lies(serverVersion), lastIntegratedClientVersion: lies(base) },
        upload: {
          clientVersion: lies(between(random, base, target.next.most)),
          lastIntegratedServerVersion: lies(0),
        },
        latest: { version: lies(serverVersion), salt: pick(random, target.salts) },
        downloadableBytes: lies(0),
        changesets,
      };
    }
  }
};
