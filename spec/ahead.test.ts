import * as fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { downloadedTo } from '../core/history/ahead.js';
import { newClientFile } from '../core/history/client-file.js';
import { loadClientFile } from '../core/history/client-records.js';
import { readEntries } from '../core/history/server-records.js';
import { edit } from '../core/model/apply.js';
import type { Changeset } from '../core/model/changeset.js';
import { digest } from '../core/model/digest.js';
import { addTable, createObject, type Instruction } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import type { Batch } from '../core/model/progress.js';
import { emptyState, type State } from '../core/model/state.js';
import { decodeServerMessage, encodeMessage } from '../core/protocol/codec.js';
import type { PendingReset, ResetCause } from '../core/reset/mode.js';
import { reportOf } from '../core/reset/report.js';
import { commitSwitch } from '../core/reset/switch.js';
import { Records } from '../transports/stores/records.js';
import { Machine } from './kit/client-machine.js';
import type { Conversation, Device } from './kit/conversation.js';
import { compactingLife, disagreement, peopled, randomWrite } from './kit/conversation-law.js';
import { once, seeded } from './kit/random.js';
import { withLimits } from './kit/with-limits.js';

const ahead = suite('what has come down and cannot be shown yet');

const orThrow = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

/** States of the server by version, read off the log while it grows: what is written once is known for good. */
class Timeline {
  readonly #digests = new Map<number, string>([[0, digest(emptyState)]]);
  #head = 0;
  #state: State = emptyState;

  follow(conversation: Conversation): void {
    const { head } = conversation.server.partition;
    const records = conversation.records.read('log', this.#head + 1, head + 1, Number.MAX_SAFE_INTEGER);
    for (const { version, instructions } of orThrow(readEntries(records))) {
      const draft = edit(this.#state);
      for (const instruction of instructions) assert.is(draft.apply(instruction), null);
      this.#state = draft.finish();
      this.#digests.set(version, digest(this.#state));
      this.#head = version;
    }
  }

  at(version: number): string | undefined {
    return this.#digests.get(version);
  }
}

const tight = { downloadBytes: 80, snapshotChunk: 8, tailEntries: 5, journalBytes: 600 };

/** Looks at all devices at every step of a conversation, and counts the batches that come in several parts. */
class Watch {
  readonly #timeline = new Timeline();
  readonly #digests = new WeakMap<State, string>();
  readonly #amid = new Set<string>();
  readonly conversation: Conversation;
  batches = 0;

  constructor(conversation: Conversation) {
    this.conversation = conversation;
    conversation.onServerCommit = () => this.#timeline.follow(conversation);
    conversation.onStep = () => this.look();
  }

  look(): void {
    for (const { name, session } of this.conversation.devices) {
      const { base, progress, ahead: kept } = session.file;
      const { serverVersion } = progress.download;
      assert.is(this.#digestOf(base), this.#timeline.at(serverVersion), `${name} at ${serverVersion}`);
      if (kept === null) this.#amid.delete(name);
      else if (!this.#amid.has(name)) {
        this.#amid.add(name);
        this.batches++;
      }
    }
  }

  #digestOf(state: State): string {
    const known = this.#digests.get(state) ?? digest(state);
    this.#digests.set(state, known);
    return known;
  }
}

ahead('what a device has of the server is a state that the server had, compacted or not', () => {
  let batches = 0;
  withLimits(tight, () => {
    for (let seed = 0; seed < 12; seed++) {
      const watches: Watch[] = [];
      const prepare = (conversation: Conversation): void => void watches.push(new Watch(conversation));
      const found = compactingLife(seeded(seed), undefined, undefined, prepare);
      assert.is(found, null, `seed ${seed}: ${found}`);
      for (const watch of watches) batches += watch.batches;
    }
  });
  assert.ok(batches >= 3, `only ${batches} batches had several parts`);
});

ahead('and so it is where a batch is cut off at any part of it, by either side', () => {
  let batches = 0;
  let restarts = 0;
  withLimits(tight, () => {
    for (let seed = 0; seed < 16; seed++) {
      const random = seeded(seed);
      const conversation = peopled(random, 2);
      const [old, fresh] = conversation.devices as [Device, Device];
      const watch = new Watch(conversation);
      const writes = (): void => {
        for (let count = 1 + random.int(4); count > 0; count--) randomWrite(conversation, old, random);
      };
      conversation.tell(old, { type: 'resume' });
      for (let rounds = 4; rounds > 0; rounds--) {
        writes();
        while (conversation.move());
      }
      for (let stages = 3; stages > 0; stages--) conversation.compactStep();
      conversation.tell(fresh, { type: 'resume' });
      for (let steps = 40; steps > 0; steps--) {
        conversation.move();
        const isAmid = fresh.session.file.ahead !== null;
        if (once(random, isAmid ? 4 : 12)) {
          if (isAmid) restarts++;
          if (once(random, 3)) conversation.crashServer();
          else conversation.crash(fresh);
          conversation.tell(old, { type: 'resume' });
          conversation.tell(fresh, { type: 'resume' });
        }
        if (once(random, 6)) writes();
        if (once(random, 3)) conversation.compactStep();
        if (once(random, 10)) randomWrite(conversation, fresh, random);
      }
      conversation.heal();
      watch.look();
      assert.is(disagreement(conversation), null, `seed ${seed}`);
      batches += watch.batches;
    }
  });
  assert.ok(batches >= 10 && restarts >= 5, `${batches} batches, ${restarts} cut off`);
});

const classNamed = (name: string): Instruction => addTable(name, { type: 'embedded' });

const changeset = (version: number, name: string): Changeset => ({
  version,
  base: 0,
  timestamp: 5,
  origin: 99,
  instructions: [classNamed(name)],
});

const tables = (state: State): number => state.tables.size;

/** A part that leads to `through`; what comes down of it is a class for each version after the last part. */
const part = (machine: Machine, through: number, batch?: Batch): Machine => {
  const { session } = machine;
  const from = downloadedTo(session.file).serverVersion;
  const changesets = Array.from({ length: through - from }, (_, i) =>
    changeset(from + 1 + i, `S${from + 1 + i}`),
  );
  return machine.hear({
    type: 'download',
    download: { serverVersion: through, lastIntegratedClientVersion: 0 },
    upload: session.file.progress.upload,
    latest: { version: 9, salt: 3 },
    downloadableBytes: 0,
    changesets,
    ...(batch === undefined ? {} : { batch }),
  });
};

const catchingUp = (): Machine => new Machine().tell({ type: 'resume' }).tell({ type: 'opened', token: 't' });

ahead('nothing of a batch is shown, or told to the server as integrated, before its last part', () => {
  const machine = catchingUp();
  part(machine, 3, { cut: 9, isLast: false });
  assert.equal(machine.did, ['commit']);
  assert.is(tables(machine.session.file.state), 0);
  assert.is(machine.session.file.progress.download.serverVersion, 0);
  part(machine, 6, { cut: 9, isLast: false });
  assert.is(tables(machine.session.file.state), 0);
  part(machine, 9, { cut: 9, isLast: true });
  assert.equal(machine.did, ['commit', 'changed']);
  assert.is(tables(machine.session.file.state), 9);
  assert.is(machine.session.file.ahead, null);
  assert.is(machine.session.file.progress.download.serverVersion, 9);
});

ahead('parts come to what one download comes to, with writes made at any time between', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
      (sizes, writes) => {
        const inParts = catchingUp();
        const atOnce = catchingUp();
        let through = 0;
        sizes.forEach((size, i) => {
          through += size;
          if (writes[i] === true) {
            inParts.write();
            atOnce.write();
          }
          part(inParts, through, { cut: 9, isLast: i === sizes.length - 1 });
        });
        part(atOnce, through, { cut: 9, isLast: true });
        const shown = ({ session: { file } }: Machine): unknown => ({
          state: digest(file.state),
          base: digest(file.base),
          writes: file.writes.backing
            .slice(file.writes.from, file.writes.to)
            .map(({ current }) => current.instructions),
          download: file.progress.download,
          stamp: file.stamp,
        });
        assert.equal(shown(inParts), shown(atOnce));
      },
    ),
  );
});

ahead('a batch that was cut off goes on where it was, also after a restart', () => {
  const machine = catchingUp();
  const records = new Records();
  const save = (): void => {
    for (const effect of machine.effects) if (effect.type === 'commit') records.apply(effect.batch);
  };
  part(machine, 4, { cut: 9, isLast: false });
  save();
  const file = orThrow(loadClientFile(records.entries()));
  assert.equal(file.ahead, { ...machine.session.file.ahead, brought: null });
  machine.tell({ type: 'closed', reason: 'lost', chance: 0 }).wake();
  machine.tell({ type: 'opened', token: 't' });
  const identify = machine.sent.find(({ type }) => type === 'identify');
  assert.equal(identify !== undefined && 'download' in identify && identify.download, {
    serverVersion: 4,
    lastIntegratedClientVersion: 0,
  });
  part(machine, 9, { cut: 9, isLast: true });
  save();
  assert.is(tables(machine.session.file.state), 9);
  assert.equal(records.entries(['ahead']), []);
  assert.is(digest(orThrow(loadClientFile(records.entries())).state), digest(machine.session.file.state));
});

ahead('parts of two folds are not put together: the batch begins anew', () => {
  for (const other of [{ cut: 8, isLast: true }, { cut: 8, isLast: false }, undefined]) {
    const machine = catchingUp();
    part(machine, 4, { cut: 9, isLast: false });
    part(machine, 9, other);
    assert.is(machine.phase, 'unbinding');
    assert.is(tables(machine.session.file.state), 0);
    machine.hear({ type: 'unbound' }).tell({ type: 'opened', token: 't' });
    const identify = machine.sent.find(({ type }) => type === 'identify');
    assert.is(identify?.type === 'identify' && identify.download.serverVersion, 0);
    part(machine, 9, { cut: 9, isLast: true });
    assert.is(tables(machine.session.file.state), 9);
  }
});

ahead('a cut that the file has passed may move on amid a batch: its parts are entries as ever', () => {
  const machine = catchingUp();
  part(machine, 3);
  part(machine, 5, { cut: 1, isLast: false });
  part(machine, 9, { cut: 3, isLast: true });
  assert.is(tables(machine.session.file.state), 9);
});

ahead(
  'a part that does not fit is told when the last one has come, and nothing of the batch is shown',
  () => {
    const machine = catchingUp();
    const misfit = createObject('Nowhere', intKey(1n));
    const sent = (through: number, instruction: Instruction, isLast: boolean): void => {
      machine.hear({
        type: 'download',
        download: { serverVersion: through, lastIntegratedClientVersion: 0 },
        upload: machine.session.file.progress.upload,
        latest: { version: 9, salt: 3 },
        downloadableBytes: 0,
        changesets: [{ ...changeset(through, 'S'), instructions: [instruction] }],
        batch: { cut: 9, isLast },
      });
    };
    sent(4, misfit, false);
    assert.is(machine.phase, 'catchingUp');
    sent(9, classNamed('S9'), true);
    assert.is(machine.phase, 'failed');
    assert.is(machine.session.failure?.code, 212);
    assert.is(tables(machine.session.file.state), 0);
  },
);

ahead('a mark amid a batch is no answer', () => {
  const machine = catchingUp();
  part(machine, 4, { cut: 9, isLast: false });
  machine.answerMark();
  assert.is(machine.phase, 'failed');
});

ahead('downloads that are held are acknowledged amid a batch, and no more', () => {
  const machine = catchingUp();
  part(machine, 4, { cut: 9, isLast: false });
  machine.write();
  machine.tell({ type: 'pause', direction: 'download' }).hear({ type: 'unbound' });
  machine.tell({ type: 'opened', token: 't' });
  const { version } = machine.session.file;
  machine.hear({
    type: 'download',
    download: { serverVersion: 4, lastIntegratedClientVersion: 0 },
    upload: { clientVersion: version, lastIntegratedServerVersion: 0 },
    latest: { version: 9, salt: 3 },
    downloadableBytes: 0,
    changesets: [],
  });
  const { file } = machine.session;
  assert.is(file.progress.upload.clientVersion, version);
  assert.is(file.progress.download.serverVersion, 0);
  assert.is(downloadedTo(file).serverVersion, 4);
});

ahead('a client reset leaves nothing of a batch behind', () => {
  const machine = catchingUp();
  part(machine, 4, { cut: 9, isLast: false });
  const records = new Records();
  for (const effect of machine.effects) if (effect.type === 'commit') records.apply(effect.batch);
  const { file } = machine.session;
  const cause: ResetCause = {
    action: 'ClientReset',
    code: 209,
    name: 'bad_server_version',
    message: 'no',
    isRecoveryDisabled: false,
    integrated: null,
    rejected: [],
  };
  const pending: PendingReset = {
    performs: 'discard',
    stage: 'downloading',
    cause,
    firstCause: cause,
    attempts: 1,
    fallback: null,
  };
  const commit = commitSwitch(file, pending, [], {
    fresh: { ...newClientFile, ident: 3, salt: 9, generation: 1 },
    base: emptyState,
    state: emptyState,
    writes: [],
    report: reportOf([]),
    parked: [],
    dropped: [],
    through: 0,
  });
  records.apply(commit.batch);
  assert.is(commit.file.ahead, null);
  assert.equal(records.entries(['ahead']), []);
});

ahead('a message says which batch it is a part of', () => {
  const message = {
    type: 'download',
    session: 1,
    download: { serverVersion: 3, lastIntegratedClientVersion: 2 },
    upload: { clientVersion: 2, lastIntegratedServerVersion: 0 },
    latest: { version: 9, salt: 3 },
    downloadableBytes: 0,
    changesets: [],
    batch: { cut: 7, isLast: false },
  } as const;
  assert.equal(orThrow(decodeServerMessage(encodeMessage(message))), message);
});

ahead.run();
