// Channel: documents belong to topics, and users have those that they subscribe to.
import { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

const subscribers = { '%%user.custom_data.chatroom_ids': '%%partition' };
const users: Record<string, object> = {
  Joe: { chatroom_ids: ['cats'] },
  Liz: { chatroom_ids: ['cats', 'sports'] },
  Matt: { chatroom_ids: ['sports'] },
  Emmy: { chatroom_ids: [] },
  Scott: { chatroom_ids: ['sports'], isMuted: true },
};
const app = await startApp({
  schema: [
    {
      name: 'Chatroom',
      primaryKey: '_id',
      properties: { _id: 'objectId', topic: 'string?', description: 'string' },
    },
    {
      name: 'Message',
      primaryKey: '_id',
      properties: { _id: 'objectId', topic: 'string?', text: 'string', timestamp: 'int' },
    },
  ],
  partition: {
    key: 'topic',
    type: 'string',
    permissions: {
      read: subscribers,
      // Whoever may write may also change and delete what others have said: those who must not only read.
      write: { ...subscribers, '%%user.custom_data.isMuted': { $ne: true } },
    },
  },
  users,
});

const chatrooms = [
  { topic: 'cats', description: 'A place to talk about cats' },
  { topic: 'sports', description: "We like sports and we don't care who knows" },
];
const messages = [
  { topic: 'cats', text: 'Check out this cute pic of my cat!', timestamp: 1625772933383 },
  { topic: 'cats', text: 'Can anybody recommend a good cat food brand?', timestamp: 1625772953383 },
  { topic: 'sports', text: 'Did you catch the game last night?', timestamp: 1625772965383 },
  { topic: 'sports', text: 'Yeah what a comeback! Incredible!', timestamp: 1625772970383 },
  { topic: 'sports', text: "I can't believe how they scored that goal.", timestamp: 1625773000383 },
];
await app.server.collection('Chatroom').insertMany(chatrooms);
await app.server.collection('Message').insertMany(messages);
const on = <Post extends { readonly topic: string }>(topic: string, all: readonly Post[]) =>
  all.filter((each) => each.topic === topic);

const subscriptions: Record<string, readonly string[]> = {
  Joe: ['cats'],
  Liz: ['cats', 'sports'],
  Matt: ['sports'],
  Emmy: [],
  Scott: ['sports'],
};
for (const [user, topics] of Object.entries(subscriptions))
  for (const topic of ['cats', 'sports']) {
    if (!topics.includes(topic)) {
      await app.refuses(user, topic);
      continue;
    }
    const device = await app.open(user, topic);
    same(contents(device, 'Chatroom'), on(topic, chatrooms));
    same(contents(device, 'Message'), on(topic, messages));
  }

// Who only reads does not write; the app's back end can send in their name.
const scott = await app.open('Scott', 'sports');
const said = { text: 'What a game.', timestamp: 1625773005383 };
await refused(scott, (tx) => tx.create('Message', { _id: new ObjectId(), ...said }));
await app.server.collection('Message').insertOne({ ...said, topic: 'sports' });
await scott.session.waitForDownload();
same(contents(scott, 'Message'), [...on('sports', messages), { ...said, topic: 'sports' }]);

// To subscribe is to change the user's data.
users['Emmy'] = { chatroom_ids: ['cats'] };
same(contents(await app.open('Emmy', 'cats'), 'Message'), on('cats', messages));

await app.close();
console.log('channel: each has the messages of their topics, and who is muted does not write');
