/**
 * `syncline replay`: lives through a recording again and says whether it went as it was recorded; shows its steps,
 * forward and back; finds the first one at which something holds or goes wrong; writes it anew with other content.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as E from 'fp-ts/lib/Either.js';
import {
  anonymized,
  type Condition,
  decodeRecording,
  type Found,
  firstBad,
  firstWhere,
  limits,
  parseCondition,
  printStep,
  printStepLine,
  type Recording,
  Replay,
} from '../../core/index.js';
import { systemEntropy } from '../clock.js';

export interface ReplayCommand {
  readonly path: string;
  /** The first and the last step to be shown; null for from the first, and to the last. */
  readonly from: number | null;
  readonly to: number | null;
  /** Show this step, whole. */
  readonly step: number | null;
  /** Say what merges decided. */
  readonly why: boolean;
  /** Show no steps, but the first bad one, or that at which `until` holds. */
  readonly bisect: boolean;
  readonly until: string | null;
  readonly interactive: boolean;
  /** Where to write the recording with other content. */
  readonly anonymize: string | null;
  /** Whether names of the schema are content, too. */
  readonly names: boolean;
}

type Print = (text: string) => void;

/** Lines of one list of instructions, where a step is shown whole. */
const WHOLE = 1000;

const load = (path: string): Recording => {
  const decoded = decodeRecording(readFileSync(path));
  if (E.isLeft(decoded)) throw new Error(`${path}: ${decoded.left.message}`);
  return decoded.right;
};

/** Machines do what they did under the limits that they had. */
const underLimitsOf = ({ about }: Recording, print: Print): void => {
  const changed: Record<string, number> = {};
  for (const { name, value } of about.limits)
    if (Object.hasOwn(limits, name) && Reflect.get(limits, name) !== value && value > 0)
      changed[name] = value;
  Object.assign(limits, changed);
  const names = Object.entries(changed).map(([name, value]) => `${name} ${value}`);
  if (names.length > 0) print(`limits as they were recorded: ${names.join(', ')}`);
};

const printHead = (replay: Replay, print: Print): void => {
  const { about, segments, damage } = replay.recording;
  const { library, protocol } = about;
  print(
    `recorded by syncline ${library}, protocol ${protocol}: ${replay.length} steps of ${replay.machines.size} ${replay.machines.size === 1 ? 'machine' : 'machines'}`,
  );
  if (segments > 2) print(`${segments - 2} older segments have given way`);
  if (damage !== null) print(`it ends before its time: ${damage}`);
  for (const { head } of replay.recording.entries) {
    if (head.type === 'leftOut')
      print(`${head.kind} ${head.track} (${head.name}) is left out of a segment: ${head.bytes} bytes`);
    if (head.type === 'gap') print(`machine ${head.track} has a gap: ${head.reason}`);
  }
};

/** The last line, and whether all is well. */
const verdict = (replay: Replay, print: Print): boolean => {
  const { number } = firstBad(replay);
  if (number === null) {
    print(`${replay.length} steps reproduced exactly`);
    return true;
  }
  const { differences } = replay.at(number);
  print(
    differences.length > 0
      ? `step ${number} differs: ${differences.join('; ')}`
      : `${replay.length} steps reproduced exactly; step ${number} throws, as it did`,
  );
  return differences.length === 0;
};

const conditionOf = (text: string): Condition => {
  const parsed = parseCondition(text);
  if (E.isLeft(parsed)) throw new Error(parsed.left);
  return parsed.right;
};

/** The first step, of whatever machine. */
const firstOfAny = (replay: Replay, condition: Condition): Found => {
  let looks = 0;
  let first: number | null = null;
  for (const steps of replay.machines.values()) {
    const found = firstWhere(replay, steps, condition);
    looks += found.looks;
    if (found.number !== null && (first === null || found.number < first)) first = found.number;
  }
  return { number: first, looks };
};

const whole = (replay: Replay, number: number, why: boolean): string => {
  const step = replay.at(number);
  return printStep(step, why ? replay.decisions(step) : null, WHOLE);
};

const bisect = (replay: Replay, { until }: ReplayCommand, print: Print): boolean => {
  const found = until === null ? firstBad(replay) : firstOfAny(replay, conditionOf(until));
  const what = until === null ? 'goes wrong' : `has ${until}`;
  if (found.number === null) {
    print(`no step ${what}; ${found.looks} steps were looked at`);
    return until === null;
  }
  print(whole(replay, found.number, true));
  print(`step ${found.number} is the first that ${what}; ${found.looks} steps were looked at`);
  return until !== null;
};

const help =
  'n, or nothing: the next step · b: the one before · g N: step N · f CONDITION: the next step where it holds · w: why, or not · q: the end';

class Walk {
  readonly #replay: Replay;
  readonly #print: Print;
  #at: number;
  #why: boolean;

  constructor(replay: Replay, print: Print, { from, step, why }: ReplayCommand) {
    this.#replay = replay;
    this.#print = print;
    this.#at = step ?? from ?? 1;
    this.#why = why;
    this.#show();
  }

  #show(): void {
    this.#print(whole(this.#replay, this.#at, this.#why));
  }

  #go(number: number): void {
    const { length } = this.#replay;
    if (!Number.isInteger(number) || number < 1 || number > length) {
      this.#print(`there are steps 1 to ${length}`);
      return;
    }
    this.#at = number;
    this.#show();
  }

  #find(text: string): void {
    const condition = parseCondition(text);
    if (E.isLeft(condition)) {
      this.#print(condition.left);
      return;
    }
    for (let number = this.#at + 1; number <= this.#replay.length; number++)
      if (condition.right.holds(this.#replay.at(number), this.#replay)) {
        this.#go(number);
        return;
      }
    this.#print(`no later step has ${text}`);
  }

  /** Whether it goes on. */
  told(line: string): boolean {
    const [command = '', ...rest] = line.trim().split(' ');
    switch (command) {
      case '':
      case 'n':
        this.#go(this.#at + 1);
        return true;
      case 'b':
        this.#go(this.#at - 1);
        return true;
      case 'g':
        this.#go(Number(rest[0]));
        return true;
      case 'f':
        this.#find(rest.join(' '));
        return true;
      case 'w':
        this.#why = !this.#why;
        this.#show();
        return true;
      case 'q':
        return false;
      default:
        this.#print(help);
        return true;
    }
  }
}

const interact = async (replay: Replay, command: ReplayCommand, print: Print): Promise<void> => {
  if (replay.length === 0) return;
  print(help);
  const walk = new Walk(replay, print, command);
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) if (!walk.told(line)) break;
  lines.close();
};

const anonymize = (recording: Recording, out: string, names: boolean, print: Print): boolean => {
  const made = anonymized(recording, { salt: systemEntropy.integer(), names });
  if (E.isLeft(made)) throw new Error(`it cannot be anonymized: ${made.left.message}`);
  const { bytes, astray } = made.right;
  writeFileSync(out, bytes);
  print(`${out}: ${bytes.length} bytes, ${names ? 'with other names and content' : 'with other content'}`);
  print(
    astray === null
      ? 'every step goes the way of the original'
      : `step ${astray} goes another way than the original: whatever follows may not show what that did`,
  );
  return astray === null;
};

/** Whether all went as it was recorded, or what was looked for was found. */
export const replayFile = async (command: ReplayCommand, print: Print = console.log): Promise<boolean> => {
  const recording = load(command.path);
  underLimitsOf(recording, print);
  if (command.anonymize !== null) return anonymize(recording, command.anonymize, command.names, print);
  const replay = new Replay(recording);
  printHead(replay, print);
  if (command.bisect || command.until !== null) return bisect(replay, command, print);
  if (command.interactive) await interact(replay, command, print);
  else if (command.step !== null) {
    if (command.step < 1 || command.step > replay.length)
      throw new Error(`--step ${command.step}: there are steps 1 to ${replay.length}`);
    print(whole(replay, command.step, command.why));
  } else {
    const to = Math.min(command.to ?? replay.length, replay.length);
    for (let number = Math.max(1, command.from ?? 1); number <= to; number++) {
      const step = replay.at(number);
      print(command.why ? printStep(step, replay.decisions(step)) : printStepLine(step));
    }
  }
  return verdict(replay, print);
};
