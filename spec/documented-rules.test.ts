/** The permissions of the documentation: who is let in, on a server, and by the dumb twin; and the law of rules. */

import * as assert from 'uvu/assert';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type SyncOptions, startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { canReadPartition, type DocumentedUser, documentedRules } from './kit/documented-rules.js';
import { rejection, soon } from './kit/driver-world.js';
import { seeded } from './kit/random.js';
import { hostileRules } from './kit/rule-law.js';
import { twinTruth } from './kit/rule-twin.js';
import { suite } from './kit/suite.js';

const documented = suite('documented rules');
const schema = [{ name: 'Item', primaryKey: '_id', properties: { _id: 'int' } }];

/** A server on which a rule says who may read, or who may write. */
const serve = async (
  permissions: { readonly read: unknown; readonly write: unknown },
  more: SyncOptions = {},
) => {
  const network = memoryNetwork();
  let user: DocumentedUser = { id: '' };
  let items = 0;
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    sync: {
      config: {
        type: 'partition',
        state: 'enabled',
        partition: { key: '_partition', type: 'string', permissions },
      },
      schema,
      functions: { canReadPartition },
      customData: () => user.customData,
      ...more,
    },
    verifyToken: async () => ({
      type: 'verified',
      user: { id: user.id, data: user.data ?? {} },
      expiresAt: null,
      issuedAt: null,
    }),
  });
  /** What became of opening, and of writing. */
  const attempt = async (as: DocumentedUser, partitionValue: string | null) => {
    user = as;
    const client = await openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partitionValue,
      reset: { mode: 'recover' },
    });
    const opening = await soon('download', rejection(client.session.waitForDownload()));
    if (opening !== null) {
      assert.match(String(opening), 'permission_denied');
      await client.close();
      return 'none';
    }
    const receipt = client.write((tx) => tx.create('Item', { _id: ++items }));
    const writing = await soon('write', rejection(receipt.integrated()));
    await client.close();
    if (writing === null) return 'write';
    assert.match(String(writing), 'was parked');
    return 'read';
  };
  const explain = (as: DocumentedUser, partition: string | null): Promise<string> => {
    user = as;
    return server.explainAccess({ id: as.id, data: as.data ?? {} }, partition);
  };
  return { attempt, explain, server };
};

const said = { none: 'may not open it', read: 'may read', write: 'may read and write' } as const;

for (const { name, rule, cases } of documentedRules)
  documented(`${name}: ${JSON.stringify(rule)}`, async () => {
    const reading = await serve({ read: rule, write: false });
    const writing = await serve({ read: false, write: rule });
    for (const [user, partition, isAllowed] of cases) {
      const what = `${JSON.stringify(user)}, ${JSON.stringify(partition)}`;
      assert.is(await reading.attempt(user, partition), isAllowed ? 'read' : 'none', what);
      assert.is(await writing.attempt(user, partition), isAllowed ? 'write' : 'none', what);
      const line = (await writing.explain(user, partition)).split('\n')[0];
      assert.is(line?.endsWith(`: ${said[isAllowed ? 'write' : 'none']}`), true, line);
      if (name === 'a function') continue;
      const truth = twinTruth(rule, {
        userId: user.id,
        data: user.data ?? {},
        customData: user.customData ?? {},
        values: {},
        environment: {},
        partition,
        call: () => undefined,
      });
      assert.is(truth, isAllowed, what);
    }
    await reading.server.close();
    await writing.server.close();
  });

const hang = (): Promise<never> => new Promise(() => undefined);
const throwing = (): never => {
  throw new Error('no');
};
const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

/** What a function may do instead of answering yes or no. */
const misbehaving: readonly (readonly [what: string, does: () => unknown, fails: boolean])[] = [
  ['throws', throwing, true],
  ['throws nothing', () => Promise.reject(undefined), true],
  ['hangs', hang, true],
  // The linter takes a thenable that is written out for an accident.
  ['is never done', () => Object.fromEntries([['then', () => undefined]]), true],
  ['answers nothing', () => undefined, true],
  ['answers a function', () => () => true, true],
  ['answers a symbol', () => Symbol('true'), true],
  ['answers no number', () => Number.NaN, true],
  ['answers itself', () => cyclic, true],
  ['answers what throws', () => new Proxy({}, { ownKeys: throwing }), true],
  ['answers too much', () => Array.from({ length: 200_000 }, () => true), true],
  ['answers a promise of nothing', async () => undefined, true],
  ['answers a text', () => 'true', false],
  ['answers one', () => 1, false],
  ['answers null', () => null, false],
  ['answers a list', () => [true], false],
  ['answers a record', () => ({ valueOf: true }), false],
];

documented('functions that misbehave let nobody in, whichever way they are asked', async () => {
  const call = { '%%true': { '%function': { name: 'may' } } };
  for (const [what, may, fails] of misbehaving) {
    const more = { functions: { may }, functionTimeout: 15 };
    const straight = await serve({ read: call, write: call }, more);
    assert.is(await straight.attempt({ id: 'ann' }, 'shop'), 'none', what);
    await straight.server.close();
    // What has not been answered is not answered no, either.
    const turned = await serve({ read: { $not: call }, write: false }, more);
    assert.is(await turned.attempt({ id: 'ann' }, 'shop'), fails ? 'none' : 'read', what);
    await turned.server.close();
  }
});

documented('whatever is written as a rule is refused, or says what its twin says', () => {
  for (let seed = 1; seed <= 30; seed++) assert.is(hostileRules(seeded(seed)), null, `seed ${seed}`);
});

documented.run();
