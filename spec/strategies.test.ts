/** The strategies of partition-based sync, each an example that holds what it says. */
import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';

const strategies = suite('strategies');

const expected: Readonly<Record<string, string>> = {
  './examples/strategies/firehose.js': 'firehose: two devices have 6 games and 3 teams, and neither wrote',
  './examples/strategies/user.js': 'user: each has playlists and ratings of their own, and reads 2 of PUBLIC',
  './examples/strategies/team.js':
    'team: 3 of 5 users are members, and have the projects and tasks of their teams',
  './examples/strategies/channel.js':
    'channel: each has the messages of their topics, and who is muted does not write',
  './examples/strategies/region.js': 'region: each has the 3 restaurants of the city where they are',
  './examples/strategies/bucket.js': 'bucket: readings go from one bucket to the next, and devices with them',
  './examples/strategies/combined.js':
    'combined: query strings are read by a function, and what it does not know opens nothing',
};

strategies('are all here', () => {
  const files = readdirSync(new URL('./examples/strategies/', import.meta.url))
    .filter((name) => name.endsWith('.js') && name !== 'app.js')
    .map((name) => `./examples/strategies/${name}`);
  assert.equal(files.sort(), Object.keys(expected).sort());
});

for (const [name, line] of Object.entries(expected))
  strategies(`${name} gives each device what the documentation says`, async () => {
    const printed: unknown[] = [];
    const { log } = console;
    console.log = (...given) => void printed.push(...given);
    try {
      await import(new URL(name, import.meta.url).href);
    } finally {
      console.log = log;
    }
    assert.equal(printed, [line]);
  });

strategies.run();
