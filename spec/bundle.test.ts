import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';

const bundle = suite('bundle');

interface Bytes {
  readonly minified: number;
  readonly compressed: number;
}

interface Part extends Bytes {
  readonly files: readonly string[];
}

interface Size extends Bytes {
  readonly name: string;
  readonly goal: number | null;
  readonly ceiling: number;
  readonly startCeiling: number;
  readonly start: Part;
  readonly onDemand: Part;
}

const measure = (): readonly Size[] => {
  const script = fileURLToPath(new URL('../bench/bundle.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--json'], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
};

const sizes = measure();

bundle('the client and the engine stay below their ceilings', () => {
  assert.equal(
    sizes.map(({ name }) => name),
    ['client', 'engine', 'recording'],
  );
  for (const { name, compressed, minified, ceiling, startCeiling, start, goal } of sizes) {
    assert.ok(compressed <= ceiling, `${name}: ${compressed} bytes, at most ${ceiling}`);
    assert.ok(compressed > 10_000 && compressed < minified, `${name}: ${compressed} of ${minified} bytes`);
    assert.ok(
      start.compressed <= startCeiling,
      `${name}: ${start.compressed} bytes at the start, at most ${startCeiling}`,
    );
    assert.ok((goal ?? 0) <= ceiling);
  }
});

bundle(
  'the client brings no link but the one that was asked for, and no store, server or second packing',
  () => {
    const files = [...(sizes[0]?.start.files ?? []), ...(sizes[0]?.onDemand.files ?? [])];
    assert.ok(files.some((path) => path.endsWith('links/websocket.js')));
    for (const path of files)
      assert.not.match(
        path,
        /links\/(?:memory|long-poll|fallback|websocket-(?:server|shortcut))|stores\/|drivers\/(?:server|partition-host)|core\/(?:access\/(?!partition-value)|replay)|session\/server|model\/parse|msgpackr|fp-ts\/lib/,
      );
  },
);

bundle('what only a client reset needs is loaded when one is asked for', () => {
  for (const { name, start, onDemand, compressed } of sizes) {
    assert.is(start.compressed + onDemand.compressed, compressed, name);
    assert.ok(onDemand.compressed > 5000, `${name}: ${onDemand.compressed} bytes on demand`);
    for (const end of ['drivers/recovery.js', 'reset/recovery.js', 'reset/state-difference.js'])
      assert.ok(
        onDemand.files.some((path) => path.endsWith(end)),
        `${name}: ${end}`,
      );
    assert.is(
      start.files.find((path) => onDemand.files.includes(path)),
      undefined,
      name,
    );
  }
});

bundle.run();
