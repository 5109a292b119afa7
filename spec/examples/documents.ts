import { openClient } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', title: 'string', votes: 'int', tags: 'string[]' },
  },
];

const network = memoryNetwork();
const server = await startServer({
  store: memoryServerStore(),
  listeners: [network.listener],
  sync: {
    config: {
      type: 'partition',
      state: 'enabled',
      partition: { key: 'team', type: 'string', permissions: { read: true, write: true } },
    },
    schema,
  },
});

const tasks = server.collection('Task');
await tasks.insertMany([
  { _id: 'a', team: 'red', title: 'Write', votes: 1 },
  { _id: 'b', team: 'red', title: 'Review' },
  { _id: 'c', team: 'blue', title: 'Publish' },
]);

const device = await openClient({
  schema,
  store: memoryClientStore(),
  connector: network.connector,
  partitionValue: 'red',
});
await device.session.waitForDownload();
device.write((tx) => tx.increment('Task', 'a', 'votes', 2));
await device.session.waitForUpload();

await tasks.updateOne({ _id: 'a' }, { $inc: { votes: 10 }, $push: { tags: 'hot' } });
console.log(await tasks.findOne({ votes: { $gt: 5 } })); // votes: 1 + 2 + 10

// Another team: the task leaves the device, and arrives where team blue is.
await tasks.updateOne({ _id: 'b' }, { $set: { team: 'blue' } });
await device.session.waitForDownload();
console.log(device.objects('Task').keys(), await tasks.count({ team: 'blue' })); // [ 'a' ] 2

await device.close();
await server.close();
