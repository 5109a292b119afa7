import { openDevice } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

const network = memoryNetwork();
const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int', text: 'string' } }];

// One device, one user, one connection; as many files as are open.
const token = {
  user: 'ann',
  token: async () => ({ token: 'from your login', expiresAt: Date.now() + 3_600_000 }),
};
const device = openDevice({ connector: network.connector, token });
const open = (partition: string) => device.open({ schema, store: memoryClientStore(), partition });
const [diary, recipes] = await Promise.all([open('diary'), open('recipes')]);

// Follow one write to the server, across lost connections; it rejects with the reason if it cannot arrive.
const receipt = diary.write((tx) => tx.create('Note', { _id: 1, text: 'Dear diary' }));
await receipt.integrated();

// Follow all of them: the target is what is outstanding now, and the last item says 1.
for (let _id = 0; _id < 100; _id++) recipes.write((tx) => tx.create('Note', { _id, text: 'Flour' }));
for await (const { estimate } of recipes.session.progress('upload', 'forCurrentlyOutstandingWork'))
  if (estimate === 1) console.log('all recipes are on the server');

// Writes still go up; nothing changes here until it is resumed.
diary.session.pause('download');

// Why is it stuck?
const { paused, pendingBytes, waiting, failure } = diary.session.describe();
console.log(paused, pendingBytes, waiting, failure); // [ 'download' ] 0 0 null

await device.close();
await server.close();
