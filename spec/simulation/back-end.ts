/**
 * The back end of a simulated app: it works on documents, through whichever server it is given, and administers
 * sync. What it is told is taken down, and what it is not told, because a server ends or a store fails, may have
 * happened or not.
 */
import { DocumentError } from '../../core/access/document-error.js';
import { SyncError } from '../../transports/drivers/sync-error.js';
import type { Server } from '../../transports/server.js';
import { StoreFailure } from '../../transports/stores/error.js';
import { homeOf } from './ledger.js';
import type { SimulatedServer } from './server.js';
import { firstItem, type Item, partitionValues, type SyncSide } from './sync-side.js';
import type { World } from './world.js';

/** Milliseconds from one try of what has to succeed to the next. */
const patience = 1_000;

/** Does what a server that runs can do. Errors are told, and are otherwise nobody's business. */
const asked = (
  world: World,
  simulated: SimulatedServer,
  what: string,
  work: (server: Server, sync: SyncSide) => Promise<unknown>,
): void => {
  const { server, name } = simulated;
  if (server === null || world.sync === null) return;
  work(server, world.sync).then(
    () => world.tell(name, `has ${what}`),
    (error: unknown) => {
      world.tell(name, `has not ${what}: ${String(error)}`);
      // A server that shuts down gives its partitions up, whoever still writes to them.
      if (isBug(error) && simulated.server === server)
        world.observe({ type: 'fault', where: name, message: `${what}: ${String(error)}` });
    },
  );
};

/** Whether it is none of what a back end has to live with: a disk that fails, another one who was first, a state that is not the one. */
const isBug = (error: unknown): boolean => {
  if (error instanceof StoreFailure) return false;
  if (error instanceof DocumentError) return error.code !== 'duplicate-key' && error.code !== 'not-writable';
  return !(error instanceof SyncError && ['state', 'contended', 'fixed'].includes(error.code));
};

const ofItem = (id: string) => ({ _id: id });

export const insert = (world: World, simulated: SimulatedServer, value: string | null): void =>
  asked(world, simulated, `inserted an item into ${value}`, async (server, sync) => {
    const id = sync.fresh('i');
    const item: Item = { id, inserted: 'maybe', deleted: 'no', increments: [] };
    sync.items.set(id, item);
    // Without one, as a key that is required cannot be null.
    const keys = value === null ? {} : { owner: value, region: value };
    await server.collection('Item').insertOne({ _id: id, ...keys });
    item.inserted = 'yes';
  });

export const increment = (world: World, simulated: SimulatedServer, { id, increments }: Item): void =>
  asked(world, simulated, `added to item ${id}`, async (server, sync) => {
    const name = sync.fresh('s');
    const change = { $inc: { count: 1 }, $addToSet: { by: name } };
    const { restorations } = world;
    const { modifiedCount } = await server.collection('Item').updateOne(ofItem(id), change);
    if (modifiedCount === 1 && restorations === world.restorations) increments.push(name);
  });

export const move = (world: World, simulated: SimulatedServer, { id }: Item, value: string | null): void =>
  asked(world, simulated, `moved item ${id} to ${value}`, (server) =>
    server
      .collection('Item')
      .updateOne(ofItem(id), { $set: { owner: value, region: value }, $inc: { moves: 1 } }),
  );

export const remove = (world: World, simulated: SimulatedServer, item: Item): void =>
  asked(world, simulated, `deleted item ${item.id}`, async (server) => {
    if (item.deleted === 'no') item.deleted = 'maybe';
    const { restorations } = world;
    const { deletedCount } = await server.collection('Item').deleteOne(ofItem(item.id));
    if (deletedCount === 1 && restorations === world.restorations) item.deleted = 'yes';
  });

export const disable = (world: World, simulated: SimulatedServer): void =>
  asked(world, simulated, 'disabled sync', async ({ sync }) => sync?.disable());

export const terminate = (world: World, simulated: SimulatedServer): void =>
  asked(world, simulated, 'terminated sync', async ({ sync }) => sync?.terminate());

/** With other rules, and perhaps another key, where there may be others. */
export const enable = (world: World, simulated: SimulatedServer, isChanged: boolean): void =>
  asked(world, simulated, `enabled sync${isChanged ? ' with other rules' : ''}`, async ({ sync }, side) =>
    sync?.enable(isChanged && side.present?.state === 'terminated' ? { config: side.changedConfig() } : {}),
  );

/** Sees to it that every partition has its total, and one its first item, so that what is parked takes nobody else's ground away. */
export const seeding = (world: World): void => {
  let isDone = false;
  // Once: what is on its way between partitions could be made a second time.
  let hasInserted = world.restorations > 0;
  const seed = async ({ server }: SimulatedServer): Promise<void> => {
    const totals = server?.collection('Total');
    for (const value of partitionValues) {
      const { total, fields } = homeOf(value);
      if ((await totals?.findOne({ _id: total })) === null)
        await totals?.insertOne({ _id: total, ...fields });
    }
    const items = server?.collection('Item');
    const item = world.sync?.items.get(firstItem);
    if (item !== undefined && !hasInserted) {
      hasInserted = true;
      await items?.insertOne({ _id: firstItem, ...homeOf(partitionValues[0] as string).fields });
      item.inserted = 'yes';
    }
    isDone = true;
  };
  const look = (): void => {
    const simulated = world.servers.find(({ server }) => server !== null);
    // A server that ends meanwhile answers nothing.
    simulated === undefined ? undefined : seed(simulated).catch(() => undefined);
    if (!isDone) world.time.schedule(patience, look);
  };
  look();
};

/** Sees to it, once the world is healed, that sync is enabled, and that each server has finished what was left halfway. */
export const finishing = (world: World): void => {
  const finish = async ({ server }: SimulatedServer, sync: SyncSide): Promise<void> => {
    if (server === null || server.sync === null) throw new Error('the server does not run');
    if ((await server.sync.status()).state !== 'enabled') await server.sync.enable();
    // Whatever writes finishes before.
    await server.collection('Item').updateOne({ _id: 'none' }, { $inc: { count: 1 } });
    const { undelivered } = await server.documentStatus();
    if (undelivered > 0) throw new Error(`${undelivered} partitions have documents on their way`);
    sync.finished.add(server);
  };
  const look = (): void => {
    const { sync } = world;
    if (sync === null) return;
    // What was asked before the world was healed may still take effect.
    if (sync.present?.state !== 'enabled') sync.finished.clear();
    const left = world.servers.find(({ server }) => server === null || !sync.finished.has(server));
    if (left !== undefined)
      finish(left, sync).catch((error: unknown) => {
        sync.unfinished = String(error);
      });
    world.time.schedule(patience, look);
  };
  look();
};
