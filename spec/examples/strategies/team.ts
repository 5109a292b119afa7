// Team: documents belong to teams, and users have those of the teams that they are in.
import assert from 'node:assert/strict';
import { contents, same, startApp } from './app.js';

const members = { '%%user.custom_data.team_ids': '%%partition' };
const users: Record<string, object> = {
  Joe: { team_ids: ['cli-team'] },
  Liz: { team_ids: ['api-team'] },
  Matt: { team_ids: ['cli-team', 'api-team'] },
  Emmy: { team_ids: [] },
  Scott: {},
};
const app = await startApp({
  schema: [
    {
      name: 'Project',
      primaryKey: '_id',
      properties: { _id: 'objectId', name: 'string', owner_id: 'string?', task_ids: 'int[]' },
    },
    {
      name: 'Task',
      primaryKey: '_id',
      properties: { _id: 'int', status: 'string', owner_id: 'string?', text: 'string' },
    },
  ],
  partition: { key: 'owner_id', type: 'string', permissions: { read: members, write: members } },
  users,
});

const projects = [
  { name: 'CLI', owner_id: 'cli-team', task_ids: [5, 6] },
  { name: 'API', owner_id: 'api-team', task_ids: [1, 2, 3, 4] },
];
const tasks = [
  { status: 'complete', owner_id: 'api-team', text: 'Import dependencies' },
  { status: 'inProgress', owner_id: 'api-team', text: 'Create app MVP' },
  { status: 'inProgress', owner_id: 'api-team', text: 'Investigate off-by-one issue' },
  { status: 'todo', owner_id: 'api-team', text: 'Write tests' },
  { status: 'inProgress', owner_id: 'cli-team', text: 'Create command specifications' },
  { status: 'todo', owner_id: 'cli-team', text: 'Choose a CLI framework' },
];
await app.server.collection('Project').insertMany(projects);
await app.server.collection('Task').insertMany(tasks.map((task, k) => ({ _id: k + 1, ...task })));

const memberships: Record<string, readonly string[]> = {
  Joe: ['cli-team'],
  Liz: ['api-team'],
  Matt: ['cli-team', 'api-team'],
  Emmy: [],
  Scott: [],
};
for (const [user, own] of Object.entries(memberships))
  for (const team of ['cli-team', 'api-team']) {
    if (!own.includes(team)) {
      await app.refuses(user, team);
      continue;
    }
    const device = await app.open(user, team);
    same(
      contents(device, 'Project'),
      projects.filter(({ owner_id }) => owner_id === team),
    );
    same(
      contents(device, 'Task'),
      tasks.filter(({ owner_id }) => owner_id === team),
    );
  }

// Members write, and see what other members write.
const liz = await app.open('Liz', 'api-team');
const matt = await app.open('Matt', 'api-team');
await liz.write((tx) => tx.set('Task', 4, 'status', 'complete')).integrated();
await matt.session.waitForDownload();
same([matt.object('Task', 4) ?? {}], [{ _id: 4, ...tasks[3], status: 'complete' }]);

// A device has no say in where a document is.
assert.throws(() => matt.write((tx) => tx.set('Task', 4, 'owner_id', 'cli-team')), /partition key/);

// Who has left a team is out of it at once, with what had not been synced kept on the device.
users['Liz'] = { team_ids: [] };
await app.server.reevaluate('Liz');
await app.refuses('Liz', 'api-team');

await app.close();
console.log('team: 3 of 5 users are members, and have the projects and tasks of their teams');
