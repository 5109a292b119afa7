import { openClient } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

// A server and two devices in one process; other links and stores plug in at the same places.
const network = memoryNetwork();
const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });

const properties = { _id: 'string', title: 'string', done: { type: 'bool', default: false }, votes: 'int' };
const schema = [{ name: 'Task', primaryKey: '_id', properties }];
const open = () =>
  openClient({ schema, store: memoryClientStore(), connector: network.connector, partition: 'team' });
const ann = await open();
const ben = await open();

ann.write((tx) => tx.create('Task', { _id: 'a', title: 'Write offline' }));
await ann.session.waitForUpload();
await ben.session.waitForDownload();

// Nobody is online. Both write all the same, and both see their own writes at once.
ann.session.pause();
ben.session.pause();
ann.write((tx) => tx.increment('Task', 'a', 'votes', 1));
ben.write((tx) => {
  tx.increment('Task', 'a', 'votes', 2);
  tx.set('Task', 'a', 'done', true);
});

for (const device of [ann, ben]) device.session.resume();
for (const device of [ann, ben]) await device.session.waitForUpload();
for (const device of [ann, ben]) await device.session.waitForDownload();
console.log(ann.object('Task', 'a')); // { _id: 'a', done: true, title: 'Write offline', votes: 3 }
console.log(ann.digest() === ben.digest()); // true

await Promise.all([ann.close(), ben.close()]);
await server.close();
