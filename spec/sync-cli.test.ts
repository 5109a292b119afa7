/** The commands of the page on administration, run as it shows them. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { openClient } from '../transports/client.js';
import { memoryClientStore } from '../transports/memory.js';
import { webSocketConnector } from '../transports/websocket.js';
import { suite } from './kit/suite.js';

const cli = suite('syncline sync');

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist/transports/cli/main.js');
const page = readFileSync(join(root, 'spec/administration.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, text = '']) => text,
  );

const commands = blocks('sh').flatMap((text) => text.trim().split('\n'));
const [configText = '', schemaText = ''] = blocks('json');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-cli-'));
const token = 'a-token-of-the-command-line';
const environment = { ...process.env, SYNCLINE_ADMIN_TOKEN: token };

/** `syncline` with the arguments of a line, in the folder. */
const run = (line: string, env: NodeJS.ProcessEnv = environment): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...line.split(' ')],
      { cwd: folder, env, timeout: 120_000 },
      (_, stdout, stderr) => {
        resolve({ code: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });

/** Serves until `stop`. */
const serve = async (line: string) => {
  const child = spawn(process.execPath, [main, ...line.split(' ')], { cwd: folder, env: environment });
  let printed = '';
  const { url, admin } = await new Promise<{ url: string; admin: string }>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const admin = /administered at (\S+)/.exec(printed)?.[1];
      const url = /listening on (ws:\S+)/.exec(printed)?.[1];
      if (admin !== undefined && url !== undefined) resolve({ url, admin });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${printed}`)));
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return { url, admin, stop, printed: () => printed };
};

const anyPort = (line: string): string =>
  line.replace('--port 8787', '--port 0').replace('--admin 8788', '--admin 0');
const argumentsOf = (line: string): string => line.replace('npx syncline ', '');

cli('the commands of the page do what it says', async () => {
  writeFileSync(join(folder, 'config.json'), configText);
  writeFileSync(join(folder, 'schema.json'), schemaText);
  const [exported = '', serving = '', ...asking] = commands;
  assert.match(exported, /^export SYNCLINE_ADMIN_TOKEN=/);
  const server = await serve(anyPort(argumentsOf(serving)));
  const device = await openClient({
    schema: JSON.parse(schemaText),
    store: memoryClientStore(),
    connector: webSocketConnector({ url: server.url, WebSocket }),
    partition: '"Store 42"',
    timing: { retryFirst: 10, retryMost: 20 },
    reset: { mode: 'recover' },
  });
  await device.write((tx) => tx.create('Item', { _id: 1, aisle: 'north' })).integrated();
  const printed: string[] = [];
  for (const line of asking) {
    const { code, stdout, stderr } = await run(
      argumentsOf(line).replace('http://127.0.0.1:8788', server.admin),
    );
    assert.is(code, 0, `${line}: ${stderr}`);
    assert.match(stdout, 'partition key store: string\nclasses Item\n');
    assert.match(stdout, /\| "Store 42" \| \d+ +\| 1 +\| Item 1 +\|/);
    printed.push(stdout.split('\n')[0] ?? '');
  }
  assert.equal(printed, [
    'sync is enabled, in epoch 0',
    'sync is disabled, in epoch 0',
    'sync is enabled, in epoch 0',
    'sync is terminated, in epoch 0',
    'sync is enabled, in epoch 1',
  ]);
  await device.close();

  const at = `--url ${server.admin}`;
  writeFileSync(join(folder, 'other.json'), configText.replace('"store"', '"aisle"'));
  const refused = await run(`sync enable ${at} --config other.json`);
  assert.equal([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^syncline: fixed: the rules of sync cannot change/);
  assert.match(refused.stderr, 'config.partition.key: found the string "aisle", expected the string "store"');
  assert.not.match(refused.stderr, 'usage');
  const stranger = await run(`sync status ${at}`, { ...environment, SYNCLINE_ADMIN_TOKEN: 'somebody else' });
  assert.is(stranger.code, 1);
  assert.match(stranger.stderr, 'unauthorized');
  for (const text of [server.printed(), refused.stderr, stranger.stderr]) assert.not.match(text, token);
  await server.stop();

  const { stdout } = await run('inspect ./data');
  assert.match(stdout, '| "Store 42" |');
  assert.is(stdout.trim().split('\n').length, 5, 'past epochs are not to be seen');
  assert.is((await run('compact ./data')).code, 0);
  // The store knows what it syncs.
  const again = await serve('serve ./data --port 0 --admin 0');
  assert.match((await run(`sync status --url ${again.admin}`)).stdout, 'sync is enabled, in epoch 1');
  await again.stop();
});

cli('what is not understood is told with the usage, and nothing is done', async () => {
  const without = { ...process.env };
  delete without['SYNCLINE_ADMIN_TOKEN'];
  const wrong: readonly (readonly [string, RegExp, NodeJS.ProcessEnv?])[] = [
    [
      'sync stop --url http://127.0.0.1:1',
      /sync stop: one of status, enable, disable, terminate is expected/,
    ],
    ['sync status', /--url: the address of the admin API is expected/],
    ['sync status --url nowhere', /--url: the address/],
    ['sync disable --url http://127.0.0.1:9 --config config.json', /only `sync enable` takes them/],
    ['sync enable --url http://127.0.0.1:9 --config nothing.json', /nothing\.json: ENOENT/],
    ['sync status --url http://127.0.0.1:9', /http:\/\/127\.0\.0\.1:9\/sync cannot be reached/],
    ['sync status --url http://127.0.0.1:9', /SYNCLINE_ADMIN_TOKEN is expected to be set/, without],
    ['serve ./none --port 0 --admin 70000', /--admin 70000: a number from 0 to 65535/],
    ['serve ./none --port 0 --sync nothing.json', /nothing\.json: ENOENT/],
    [
      'serve ./wrong --port 0 --sync wrong.json',
      /config\.partition\.type: .*\n +config\.partition\.permissions/,
    ],
    ['serve ./none --port 0 --admin 0', /SYNCLINE_ADMIN_TOKEN is expected to be set/, without],
  ];
  const wrongConfig = { type: 'partition', state: 'enabled', partition: { key: 'a', type: 'int' } };
  writeFileSync(join(folder, 'wrong.json'), JSON.stringify(wrongConfig));
  const ends = await Promise.all(wrong.map(([line, , env]) => run(line, env)));
  for (const [i, { code, stderr }] of ends.entries()) {
    const [line, message] = wrong[i] as (typeof wrong)[number];
    assert.is(code, 2, line);
    assert.match(stderr, message);
  }
  rmSync(folder, { recursive: true, force: true });
});

cli.run();
