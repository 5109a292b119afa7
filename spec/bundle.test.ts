import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const bundle = suite('bundle');

interface Size {
  readonly name: string;
  readonly goal: number;
  readonly ceiling: number;
  readonly minified: number;
  readonly compressed: number;
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

const measured = (): readonly Size[] => {
  const script = fileURLToPath(new URL('../bench/bundle.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--json'], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
};

bundle('the client and the engine stay below their ceilings', () => {
  const sizes = measured();
  assert.equal(
    sizes.map(({ name }) => name),
    ['client', 'engine'],
  );
  for (const { name, compressed, minified, ceiling, goal } of sizes) {
    assert.ok(compressed <= ceiling, `${name}: ${compressed} bytes, at most ${ceiling}`);
    assert.ok(compressed > 10_000 && compressed < minified, `${name}: ${compressed} of ${minified} bytes`);
    assert.ok(goal <= ceiling);
  }
});

bundle('the client brings no link but the one that was asked for, and no store or server', () => {
  const [client] = measured();
  const names = client?.parts.filter(({ bytes }) => bytes > 0).map(({ name }) => name) ?? [];
  assert.ok(names.includes('core/merge'));
  for (const name of names)
    assert.ok(
      /^(?:core\/\w+|transports\/(?:drivers|links|clock)|bson|msgpackr|fp-ts|the rest)$/.test(name),
      `the client brings ${name}`,
    );
});

bundle.run();
