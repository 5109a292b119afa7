/**
 * The link suite on the platform's own `WebSocket`: global from Node 22 on, behind a flag before, for which
 * this file starts itself again.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { linkConformance } from './conformance/link.js';
import { suite } from './kit/suite.js';
import { webSocketSetup } from './websocket-setup.js';

const flag = '--experimental-websocket';

if (globalThis.WebSocket === undefined && !process.execArgv.includes(flag)) {
  const arguments_ = [...process.execArgv, flag, fileURLToPath(import.meta.url)];
  process.exitCode = spawnSync(process.execPath, arguments_, { stdio: 'inherit' }).status ?? 1;
} else {
  const test = suite('WebSocket link of the platform');
  for (const { name, run } of linkConformance(webSocketSetup(globalThis.WebSocket))) test(name, run);
  test.run();
}
