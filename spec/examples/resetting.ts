import { openClient } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

const network = memoryNetwork();
const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int', text: 'string' } }];

let isOver: () => void = () => undefined;
const over = new Promise<void>((resolve) => {
  isOver = resolve;
});
const client = await openClient({
  schema,
  store: memoryClientStore(),
  connector: network.connector,
  partition: 'diary',
  reset: {
    mode: 'recoverOrDiscard',
    onBefore: (before) => console.log('before', before.objects('Note').size),
    onAfter: (_before, after, { counts }) => {
      console.log('after', after.objects('Note').size, 'parked', counts.parked);
      isOver();
    },
    onFallback: (reason) => console.log('what was not synced is parked:', reason),
  },
});
await client.session.waitForDownload();

client.write((tx) => tx.create('Note', { _id: 1, text: 'Written before the reset' }));
await server.reset('diary', 217, 'the administrator says so');
await over;
await client.session.waitForUpload();

// Writes that lost their place wait here, also across restarts.
for (const { id, instructions } of client.parking.writes) {
  console.log(instructions);
  client.parking.reapply(id, (tx) => tx.create('Note', { _id: id, text: 'made good' }));
}

await client.close();
await server.close();
