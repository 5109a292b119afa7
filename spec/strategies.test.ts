/** The strategies of partition-based sync, each an example that a process runs and that holds what it says. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const run = promisify(execFile);
const strategies = suite('strategies');

const expected: Readonly<Record<string, string>> = {
  firehose: 'firehose: two devices have 6 games and 3 teams, and neither wrote',
  user: 'user: each has playlists and ratings of their own, and reads 2 of PUBLIC',
  team: 'team: 3 of 5 users are members, and have the projects and tasks of their teams',
  channel: 'channel: each has the messages of their topics, and who is muted does not write',
  region: 'region: each has the 3 restaurants of the city where they are',
  bucket: 'bucket: readings go from one bucket to the next, and devices with them',
  combined: 'combined: query strings are read by a function, and what it does not know opens nothing',
};

const folder = fileURLToPath(new URL('./examples/strategies/', import.meta.url));

strategies('are all here', () => {
  const files = readdirSync(folder).flatMap((name) => /^(\w+)\.js$/.exec(name)?.[1] ?? []);
  assert.equal(files.filter((name) => name !== 'app').sort(), Object.keys(expected).sort());
});

for (const [name, line] of Object.entries(expected))
  strategies(`${name} gives each device what the page says`, async () => {
    const { stdout } = await run(process.execPath, ['--enable-source-maps', `${folder}${name}.js`]);
    assert.is(stdout, `${line}\n`);
  });

strategies.run();
