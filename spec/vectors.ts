/**
 * `npm run vectors -- FILE…`: replays vectors of merges and resets, `.jsonl` or `.jsonl.gz`. Prints the ids that fail, with
 * what differs in the notation, and totals by profile; then the deliberate differences by rule. The last
 * line says `N passed, M failed`, and the exit code whether M is zero.
 */
import type { Failure } from './kit/replay.js';
import { replayLine } from './kit/replay-line.js';
import { readVectorLines } from './kit/vectors.js';

interface Totals {
  passed: number;
  failed: number;
}

const LINES_SHOWN = 40;

const show = (id: string, failures: readonly Failure[]): void => {
  console.log(`FAILED ${id}`);
  for (const { what, lines } of failures) {
    console.log(`  ${what}`);
    for (const line of lines.slice(0, LINES_SHOWN)) console.log(`    ${line}`);
    if (lines.length > LINES_SHOWN) console.log(`    and ${lines.length - LINES_SHOWN} lines more`);
  }
};

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: npm run vectors -- FILE…   (.jsonl or .jsonl.gz)');
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const file of files) {
  const profiles = new Map<string, Totals>();
  const differences = new Map<string, string[]>();
  for (const line of readVectorLines(file)) {
    const { id, profile, failures, differences: found } = replayLine(line);
    const totals = profiles.get(profile) ?? { passed: 0, failed: 0 };
    profiles.set(profile, totals);
    if (failures.length === 0) totals.passed++;
    else {
      totals.failed++;
      show(id, failures);
    }
    for (const rule of found) differences.set(rule, [...(differences.get(rule) ?? []), id]);
  }
  console.log(`${file}`);
  for (const [profile, totals] of [...profiles].sort()) {
    console.log(
      `  ${profile.padEnd(12)} ${String(totals.passed).padStart(6)} passed ${String(totals.failed).padStart(6)} failed`,
    );
    passed += totals.passed;
    failed += totals.failed;
  }
  for (const [rule, ids] of [...differences].sort())
    console.log(
      `  ours differs by ${rule}: ${ids.length} (${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''})`,
    );
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
