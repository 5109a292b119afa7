/**
 * One subject on one workload of the compaction benchmark, in a process of its own: first
 *
 *     node compaction.mjs make SUBJECT WORKLOAD MODULES smoke|real SECONDS FILE
 *
 * writes the history that the subject makes of the workload to a file, as far as it gets in the time, and says
 * how many writes that is. MODULES is the folder of `compaction-workload.js`. Then
 *
 *     node compaction.mjs compact SUBJECT MODULES SECONDS FILE
 *
 * reads it, brings it into the subject's compacted form, once and then again while there is time, and says how
 * long that takes, the bytes before and after, and how much memory the process took for the first time.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const load = async (subject, modules) => (await import(`./compaction-${subject}.mjs`)).open(modules);

/** Each update with its size before it. */
const frame = (updates) => {
  const sizes = updates.map((update) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(update.length);
    return size;
  });
  return Buffer.concat(updates.flatMap((update, i) => [sizes[i], update]));
};

const unframe = (bytes) => {
  const updates = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    updates.push(new Uint8Array(bytes.buffer, bytes.byteOffset + start, at - start));
  }
  return updates;
};

const make = async (subject, name, modules, size, seconds, file) => {
  const { workloads } = await import(new URL("compaction-workload.js", modules).href);
  const workload = workloads(size === 'smoke').find((one) => one.name === name);
  const { writer } = await load(subject, modules);
  const until = performance.now() + 1000 * seconds;
  const write = writer(workload);
  const updates = [];
  let writes = 0;
  for (const transaction of workload.all()) {
    updates.push(write(transaction));
    writes += transaction.length;
    if (performance.now() > until) break;
  }
  writeFileSync(file, frame(updates));
  return { writes };
};

/** Where the system tells, of this process alone: what it counts as used otherwise begins with what the parent had. */
const peakMemory = () => {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  const kilobytes = /VmHWM:\s*(\d+) kB/.exec(status)?.[1];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
};

const compact = async (subject, modules, seconds, file) => {
  const { compacted } = await load(subject, modules);
  const updates = unframe(readFileSync(file));
  const before = updates.reduce((sum, { length }) => sum + length, 0);
  const until = performance.now() + 1000 * seconds;
  const once = () => {
    const start = performance.now();
    const after = compacted(updates).length;
    return { after, milliseconds: performance.now() - start };
  };
  let last = once();
  const cold = last.milliseconds;
  const peak = peakMemory();
  const times = [];
  while (times.length < 9 && performance.now() + last.milliseconds < until) {
    last = once();
    times.push(last.milliseconds);
  }
  const milliseconds = times.length === 0 ? cold : times.sort((a, b) => a - b)[times.length >> 1];
  return { cold, milliseconds, before, after: last.after, peak };
};

const [task, ...words] = process.argv.slice(2);
console.log(JSON.stringify(await { make, compact }[task](...words)));
