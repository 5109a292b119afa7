import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { inspect } from '../transports/cli/inspect.js';
import { type ServerProcess, startServerProcess } from '../transports/cli/server-process.js';
import { openClient } from '../transports/client.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { Connector } from '../transports/ports.js';
import { memoryClientStore } from '../transports/stores/memory.js';
import { oneFile } from './kit/one-file.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const KILLS = 50;
const MOST_PENDING = 10;
const schema = [{ name: 'Entry', primaryKey: '_id', properties: { _id: 'int', by: 'string', hits: 'int' } }];

/** Counts the frames of both directions, and calls `onFrame` for each before it goes on. */
const counting = (connector: Connector, onFrame: () => void): Connector => ({
  connect: (events) => {
    const link = connector.connect({
      ...events,
      frame: (frame) => {
        onFrame();
        events.frame(frame);
      },
    });
    return {
      get bufferedBytes() {
        return link.bufferedBytes;
      },
      close: (reason) => link.close(reason),
      send: (frame) => {
        onFrame();
        link.send(frame);
      },
    };
  },
});

const kill = suite('a server that is killed');

kill(`loses nothing that it had acknowledged, at ${KILLS} seeded points between two messages`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-kill-'));
  const random = seeded(20_26);
  const programs = mkdtempSync(join(tmpdir(), 'syncline-kill-program-'));
  const main = await oneFile(new URL('../transports/cli/main.js', import.meta.url), programs);
  let server: ServerProcess = await startServerProcess(folder, 0, main);
  const port = Number(new URL(server.url).port);
  const acknowledged: number[] = [];
  const lost: string[] = [];
  let untilKill = 20;
  let kills = 0;
  let restarting: Promise<void> | null = null;
  const restart = async (): Promise<void> => {
    await server.stop('SIGKILL');
    // What was acknowledged is on the disk of the dead server, before anybody can have sent it again.
    const [report] = await inspect(folder);
    const found = report?.objects.get('Entry') ?? 0;
    if (found <= acknowledged.length) lost.push(`${acknowledged.length} acknowledged, ${found - 1} found`);
    server = await startServerProcess(folder, port, main);
    untilKill = 1 + random.int(24);
    restarting = null;
  };
  const onFrame = (): void => {
    if (restarting !== null || kills === KILLS || --untilKill > 0) return;
    kills++;
    restarting = restart();
  };
  const open = () =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: counting(webSocketConnector({ url: server.url, WebSocket }), onFrame),
      partition: 'p',
      timing: { retryFirst: 30, retryMost: 60 },
    });
  const devices = [await open(), await open()] as const;
  const waits: Promise<void>[] = [];
  const deadline = Date.now() + 500_000;
  let next = 1;
  devices[0].write((tx) => tx.create('Entry', { _id: 0, by: 'all', hits: 0 }));
  await devices[0].session.waitForUpload();
  await devices[1].session.waitForDownload();
  let written = 0;
  while (kills < KILLS || restarting !== null) {
    assert.ok(
      Date.now() < deadline,
      `stuck: ${devices.map((each) => JSON.stringify(each.session.describe())).join('\n')}`,
    );
    const device = devices[random.int(2)] ?? devices[0];
    // Where the machine is busy, uploads alone must not use up the frames until the next kill.
    if (device.session.describe().pendingWrites < MOST_PENDING) {
      const id = next++;
      device.write((tx) => {
        tx.create('Entry', { _id: id, by: 'one', hits: 0 });
        tx.increment('Entry', 0, 'hits', 1);
      });
      written++;
      waits.push(device.session.waitForUpload().then(() => void acknowledged.push(id)));
    }
    await new Promise((resolve) => setTimeout(resolve, random.int(6)));
    if (restarting !== null) await restarting;
  }
  await Promise.all(waits);
  for (const device of devices) await device.session.waitForDownload();
  assert.is(kills, KILLS);
  assert.equal(lost, []);
  assert.is(acknowledged.length, written);
  for (const device of devices) {
    assert.is(device.objects('Entry').size, written + 1);
    assert.is(device.object('Entry', 0)?.['hits'], written, 'each increment counts exactly once');
  }
  assert.is(devices[0].digest(), devices[1].digest());
  const digest = devices[0].digest();
  for (const device of devices) await device.close();
  await server.stop('SIGTERM');
  const [report] = await inspect(folder);
  assert.is(report?.digest, digest);
  for (const made of [folder, programs]) rmSync(made, { recursive: true, force: true });
});

kill.run();
