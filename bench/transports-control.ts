/**
 * How the processes of the transports benchmark are driven: the parent asks, a child answers.
 *
 * Commands and answers are plain data. A child that fails to answer fails the benchmark, with what it said.
 */
import { type ChildProcess, fork } from 'node:child_process';

interface Asked {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

type Answered =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Milliseconds that a child has for one command. */
const patience = 90_000;

/** Milliseconds that it has to end. */
const endPatience = 10_000;

/** A child process that answers commands. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<
    number,
    { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }
  >();
  #next = 1;
  #errors = '';

  /** Starts a script; what it prints on its error output is told where it fails. */
  constructor(script: string, ...args: readonly string[]) {
    this.#process = fork(script, args, {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#process.on('message', (answered: Answered) => {
      const waiting = this.#waiting.get(answered.id);
      this.#waiting.delete(answered.id);
      if ('error' in answered) waiting?.reject(new Error(`${script} ${args.join(' ')}: ${answered.error}`));
      else waiting?.resolve(answered.result);
    });
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${script} ${args.join(' ')} ended with ${code ?? signal}: ${this.#errors}`));
    });
  }

  ask<Result>(command: string, argument: unknown = null): Promise<Result> {
    const id = this.#next++;
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer to ${command} within ${patience} ms: ${this.#errors}`)),
        patience,
      );
      this.#waiting.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result as Result);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#process.send({ id, command, argument } satisfies Asked);
    });
  }

  /** Lets it end by itself, so that what watches it (`NODE_OPTIONS=--cpu-prof`) can write what it has seen. */
  end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), endPatience);
      this.#process.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#process.disconnect();
    });
  }
}

/** By command; each knows what its own is sent. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** In a child: answers the parent's commands, and ends with it. */
export const answerCommands = (handlers: Handlers): void => {
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ id, command, argument }: Asked) => {
    const answer = async (): Promise<unknown> => {
      const handler = handlers[command];
      if (handler === undefined) throw new Error(`no command is called ${command}`);
      return handler(argument as never);
    };
    answer().then(
      (result) => process.send?.({ id, result } satisfies Answered),
      (error: unknown) =>
        process.send?.({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        } satisfies Answered),
    );
  });
};

/** Milliseconds on the clock that all processes of one machine share. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What a process has used: of the processor since it began, and of memory after garbage was collected. */
export interface Usage {
  readonly cpuMilliseconds: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
}

export const usage = (): Usage => {
  const { user, system } = process.cpuUsage();
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('started without --expose-gc');
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    cpuMilliseconds: (user + system) / 1000,
    heapBytes: heapUsed + external,
    residentBytes: rss,
  };
};

/** Calls `write` so many times: one each turn of the event loop, or one each `every` milliseconds. Answers when. */
export const paced = async (
  count: number,
  every: number,
  write: (index: number) => void,
): Promise<number[]> => {
  const times: number[] = [];
  const start = sharedNow();
  for (let i = 0; i < count; i++) {
    if (every === 0) await new Promise((resolve) => setImmediate(resolve));
    else {
      const wait = start + i * every - sharedNow();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    }
    times.push(sharedNow());
    write(i);
  }
  return times;
};

/** Value below which so large a part of the values lies. Of at least one value, which are sorted here. */
export const percentile = (values: Float64Array, part: number): number => {
  values.sort();
  const value = values[Math.min(values.length - 1, Math.floor(values.length * part))];
  if (value === undefined) throw new Error('a percentile of no values');
  return value;
};
