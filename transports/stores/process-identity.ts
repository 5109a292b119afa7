/**
 * Who holds a file: a mark that other processes of the machine can read and judge.
 *
 * A pid alone does not do, because the next process of a restarted container often has the same one. Where
 * `/proc` tells, the mark also has the boot of the machine and the moment within it at which the process
 * began; elsewhere a pid that is alive counts as the holder.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and start, or '' where the platform does not tell. */
  readonly started: string;
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
};

/** '' where the platform does not tell, undefined where it tells that there is no such process. */
const startOf = (pid: number): string | undefined => {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim();
  if (boot === undefined) return '';
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command in parentheses may itself have spaces and parentheses; state and start are fields 3 and 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${boot} ${fields[19] ?? ''}`;
};

export const ownIdentity = (): ProcessIdentity => ({ pid: process.pid, started: startOf(process.pid) ?? '' });

/** Whether the process that left this mark still runs. */
export const isRunning = ({ pid, started }: ProcessIdentity): boolean => {
  const present = startOf(pid);
  if (present === undefined) return false;
  if (present !== '' && started !== '') return present === started;
  // Without a start, our own pid in a mark that we did not write is a reused one.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/** The two parts on a line each. */
export const printIdentity = ({ pid, started }: ProcessIdentity): string => `${pid}\n${started}`;

export const parseIdentity = (text: string): ProcessIdentity => {
  const [pid = '', started = ''] = text.split('\n');
  return { pid: Number(pid), started };
};
