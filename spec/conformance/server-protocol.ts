/**
 * What every server owes to the clients of its protocol: the clauses of `core/protocol/messages.ts` and
 * `errors.ts`, each as a scenario that plays the clients against a server behind any link.
 */
import { addColumn, addTable } from '../../core/model/instruction.js';
import type { ErrorCode } from '../../core/protocol/errors.js';
import type { Connector } from '../../transports/ports.js';
import { adding, classesOf, ProtocolCaller } from './protocol-caller.js';
import { type ConformanceTest, holds, same } from './test.js';

/** One fresh server. */
export interface ServerProtocolSetup {
  readonly connector: Connector;
  /** A partition that nobody has been to, and that anybody may read and write with an empty token. */
  readonly partition: string;
  /** Closes the server. The scenario has ended its links by then. */
  dispose(): Promise<void>;
}

interface Scene {
  readonly partition: string;
  /** A further link to the server. */
  call(): ProtocolCaller;
}

/** `patience`: milliseconds to wait for an answer that is owed. */
export const serverProtocolConformance = (
  make: () => Promise<ServerProtocolSetup>,
  patience = 10_000,
): readonly ConformanceTest[] => {
  const tests: ConformanceTest[] = [];
  const test = (name: string, body: (scene: Scene) => Promise<void>): void => {
    tests.push({
      name,
      run: async () => {
        const setup = await make();
        const callers: ProtocolCaller[] = [];
        try {
          await body({
            partition: setup.partition,
            call: () => {
              const caller = new ProtocolCaller(setup.connector, patience);
              callers.push(caller);
              return caller;
            },
          });
        } finally {
          for (const caller of callers) caller.hangUp();
          await setup.dispose();
        }
      },
    });
  };
  /** The session has ended, and nothing else has. */
  const endsSession = async (caller: ProtocolCaller, session: number, code: ErrorCode): Promise<void> => {
    same('code of the error', (await caller.hears('error', session)).code, code);
    const other = session + 1;
    caller.bind(other, 'elsewhere', true);
    await caller.hears('ident', other);
  };
  const endsConnection = async (caller: ProtocolCaller, code: ErrorCode): Promise<void> => {
    same('code of the error', (await caller.hears('error', 0)).code, code);
    await caller.until('the end of the link', () => caller.closed !== null);
  };

  test('a bind that asks for an ident gets one with a salt, each another one', async ({
    call,
    partition,
  }) => {
    const caller = call();
    const [a, b] = [await caller.begin(1, partition), await caller.begin(2, partition)];
    const c = await call().begin(1, partition);
    same('different idents', new Set([a.ident, b.ident, c.ident]).size, 3);
    holds(
      'idents and salts are above 0',
      [a, b, c].every(({ ident, salt }) => ident > 0 && salt > 0),
    );
  });

  test('a bind that does not ask gets no ident', async ({ call, partition }) => {
    const given = await call().begin(1, partition);
    const again = call().bind(1, partition, false).identify(1, given);
    await again.mark(1, 1);
    same('idents', again.all('ident').length, 0);
  });

  test('a file that is not known is told so', async ({ call, partition }) => {
    const caller = call().bind(1, partition, false).identify(1, { ident: 999_999, salt: 1 });
    await endsSession(caller, 1, 208);
  });

  test('a file that comes with another salt is told that the histories differ', async ({
    call,
    partition,
  }) => {
    const { ident, salt } = await call().begin(1, partition);
    const caller = call()
      .bind(1, partition, false)
      .identify(1, { ident, salt: salt + 1 });
    await endsSession(caller, 1, 211);
  });

  test('a position above the newest version ends the session', async ({ call, partition }) => {
    const given = await call().begin(1, partition);
    const caller = call()
      .bind(1, partition, false)
      .identify(1, { ...given, serverVersion: 1000 });
    await endsSession(caller, 1, 209);
  });

  test('an upload is acknowledged, and comes down to the others, not to its author', async ({
    call,
    partition,
  }) => {
    const [author, reader] = [call(), call()];
    const { ident } = await author.enter(1, partition);
    await reader.enter(1, partition);
    author.upload(1, [adding(1, 'First'), adding(2, 'Second')]);
    await author.acknowledged(1, 2);
    await reader.mark(1, 1);
    await author.mark(1, 1);
    const changesets = reader.downloaded(1);
    same('classes', classesOf(changesets), ['First', 'Second']);
    same('origins', [...new Set(changesets.map(({ origin }) => origin))], [ident]);
    same('what came back to the author', classesOf(author.downloaded(1)), []);
  });

  test('versions and positions of downloads ascend, and each changeset comes once', async ({
    call,
    partition,
  }) => {
    const [author, reader] = [call(), call()];
    await author.enter(1, partition);
    await reader.enter(1, partition);
    for (let version = 1; version <= 20; version++) author.upload(1, [adding(version, `C${version}`)]);
    await author.acknowledged(1, 20);
    await reader.mark(1, 1);
    const versions = reader.downloaded(1).map(({ version }) => version);
    same('changesets', versions.length, 20);
    holds(
      `versions ascend: ${versions}`,
      versions.every((version, i) => i === 0 || version > (versions[i - 1] ?? 0)),
    );
    const positions = reader.all('download', 1).map(({ download }) => download.serverVersion);
    holds(
      `positions never go back: ${positions}`,
      positions.every((at, i) => at >= (positions[i - 1] ?? 0)),
    );
    holds('no position is behind what it came with', (positions.at(-1) ?? 0) >= (versions.at(-1) ?? 0));
  });

  test('what was there before comes down before the mark is answered', async ({ call, partition }) => {
    const author = call();
    await author.enter(1, partition);
    author.upload(1, [adding(1, 'First')]);
    await author.acknowledged(1, 1);
    const reader = call();
    await reader.enter(1, partition);
    await reader.mark(1, 7);
    const order = reader.heard.map(({ type }) => type);
    holds(`a download before the mark: ${order}`, order.indexOf('download') < order.indexOf('mark'));
    same('classes', classesOf(reader.downloaded(1)), ['First']);
  });

  test('what is sent again is acknowledged again, and integrated once', async ({ call, partition }) => {
    const first = call();
    const given = await first.enter(1, partition);
    first.upload(1, [adding(1, 'First')]);
    await first.acknowledged(1, 1);
    const again = call().bind(1, partition, false).identify(1, given);
    again.upload(1, [adding(1, 'First'), adding(2, 'Second')]);
    await again.acknowledged(1, 2);
    const reader = call();
    await reader.enter(1, partition);
    await reader.mark(1, 1);
    same('classes', classesOf(reader.downloaded(1)), ['First', 'Second']);
  });

  test('a download says how much of the reader’s own writes it stands on', async ({ call, partition }) => {
    const [a, b] = [call(), call()];
    await a.enter(1, partition);
    await b.enter(1, partition);
    b.upload(1, [adding(1, 'OfB')]);
    await b.acknowledged(1, 1);
    a.upload(1, [adding(1, 'OfA')]);
    await a.acknowledged(1, 1);
    await b.mark(1, 1);
    const foreign = b.downloaded(1);
    same('classes', classesOf(foreign), ['OfA']);
    same(
      'bases',
      foreign.map(({ base }) => base),
      [1],
    );
  });

  test('client versions that go back end the session', async ({ call, partition }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.upload(1, [adding(2, 'Second'), adding(1, 'First')]);
    await endsSession(caller, 1, 210);
  });

  test('an upload cursor that goes back ends the session', async ({ call, partition }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.upload(1, [adding(2, 'Second')]).upload(1, []);
    await endsSession(caller, 1, 210);
  });

  test('a base that was never sent ends the session', async ({ call, partition }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.upload(1, [adding(1, 'First', 50)], 50);
    await endsSession(caller, 1, 209);
  });

  test('a changeset that names an origin ends the session', async ({ call, partition }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.upload(1, [{ ...adding(1, 'First'), origin: 77 }]);
    await endsSession(caller, 1, 216);
  });

  test('a changeset that does not fit ends its session, and what came before it stays', async ({
    call,
    partition,
  }) => {
    const caller = call();
    await caller.enter(1, partition);
    const column = { type: 'int', nullable: false, collection: 'single', target: null } as const;
    const misfit = { ...adding(2, 'X'), instructions: [addColumn('Nowhere', 'field', column)] };
    caller.upload(1, [adding(1, 'First'), misfit, adding(3, 'Third')]);
    same('code', (await caller.hears('error', 1)).code, 212);
    const reader = call();
    await reader.enter(1, partition);
    await reader.mark(1, 1);
    same('classes', classesOf(reader.downloaded(1)), ['First']);
  });

  test('concurrent writes come down merged: every reader ends with the same classes', async ({
    call,
    partition,
  }) => {
    const [a, b, c] = [call(), call(), call()];
    for (const caller of [a, b, c]) await caller.enter(1, partition);
    const spec = { type: 'embedded' } as const;
    const both = (own: string) => ({
      ...adding(1, own),
      instructions: [addTable('Both', spec), addTable(own, spec)],
    });
    a.upload(1, [both('OfA')]);
    b.upload(1, [both('OfB')]);
    await a.acknowledged(1, 1);
    await b.acknowledged(1, 1);
    for (const caller of [a, b, c]) await caller.mark(1, 1);
    const ends = [
      ['Both', 'OfA', ...classesOf(a.downloaded(1))],
      ['Both', 'OfB', ...classesOf(b.downloaded(1))],
      classesOf(c.downloaded(1)),
    ].map((classes) => [...new Set(classes)].sort());
    for (const end of ends) same('classes', end, ['Both', 'OfA', 'OfB']);
  });

  test('a session that wants no downloads gets acknowledgements only', async ({ call, partition }) => {
    const [author, deaf] = [call(), call()];
    await author.enter(1, partition);
    const given = await deaf.begin(1, partition);
    deaf.identify(1, { ...given, uploadsOnly: true });
    author.upload(1, [adding(1, 'First')]);
    await author.acknowledged(1, 1);
    deaf.upload(1, [adding(1, 'Second')]);
    await deaf.acknowledged(1, 1);
    same('what came down', deaf.downloaded(1), []);
  });

  test('an unbind is answered, and what crosses with the end of a session is dropped', async ({
    call,
    partition,
  }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.say({ type: 'unbind', session: 1 });
    await caller.hears('unbound', 1);
    caller.say({ type: 'mark', session: 1, request: 5 });
    await caller.enter(2, partition);
    await caller.mark(2, 6);
    same('marks of the session that has ended', caller.all('mark', 1), []);
    same('errors', caller.all('error'), []);
  });

  test('sessions of one link do not disturb each other', async ({ call, partition }) => {
    const caller = call();
    await caller.enter(1, partition);
    caller.bind(2, partition, false).identify(2, { ident: 999_999, salt: 1 });
    same('code', (await caller.hears('error', 2)).code, 208);
    caller.upload(1, [adding(1, 'First')]);
    await caller.acknowledged(1, 1);
  });

  test('a message for a session that was never bound ends the connection', async ({ call }) => {
    await endsConnection(call().say({ type: 'mark', session: 3, request: 1 }), 106);
  });

  test('a session number that is used twice ends the connection', async ({ call, partition }) => {
    const caller = call();
    await caller.begin(1, partition);
    await endsConnection(caller.bind(1, partition, true), 107);
  });

  test('a message before the session has identified itself ends the connection or the session', async ({
    call,
    partition,
  }) => {
    const caller = call();
    await caller.begin(1, partition);
    caller.upload(1, [adding(1, 'First')]);
    await caller.until('an error', () => caller.all('error').length > 0);
    same('code', caller.all('error')[0]?.code, 109);
  });

  test('a frame that is no message ends the connection, and no other', async ({ call, partition }) => {
    const [noisy, quiet] = [call(), call()];
    await quiet.enter(1, partition);
    await endsConnection(noisy.sendFrame(Uint8Array.of(0xc1, 1, 2)), 103);
    await quiet.mark(1, 1);
  });

  test('an ident outlives the link that it was given on', async ({ call, partition }) => {
    const first = call();
    const given = await first.enter(1, partition);
    first.upload(1, [adding(1, 'First')]);
    await first.acknowledged(1, 1);
    first.hangUp();
    const later = call().bind(1, partition, false).identify(1, given);
    await later.mark(1, 1);
    same('errors', later.all('error'), []);
    holds(
      'what was integrated is said',
      later.all('download', 1).some(({ upload }) => upload.clientVersion === 1),
    );
  });

  return tests;
};
