/** What happened, line by line, in the notation: who, when, and what. */
import { createHash } from 'node:crypto';
import type { Changeset } from '../../core/model/changeset.js';
import { printChangeset } from '../../core/model/notation.js';
import type { Message } from '../../core/protocol/messages.js';
import type { Observation } from './observation.js';
import type { World } from './world.js';

const indented = (changesets: readonly Changeset[]): string =>
  changesets.map((changeset) => `\n    ${printChangeset(changeset).replaceAll('\n', '\n    ')}`).join('');

const printed = (message: Message): string => {
  const { type, ...fields } = message;
  const changesets = 'changesets' in fields ? fields.changesets : [];
  const rest = Object.entries(fields)
    .filter(([name]) => name !== 'changesets' && name !== 'session')
    .map(([name, value]) => `${name} ${JSON.stringify(value).replaceAll('"', '')}`);
  return `${type} ${rest.join(', ')}${indented(changesets)}`;
};

const line = (seen: Observation): string | null => {
  switch (seen.type) {
    case 'clientSent':
      return `${seen.device} → ${printed(seen.message)}`;
    case 'serverSent':
      return `${seen.server} → ${printed(seen.message)}`;
    case 'fault':
      return `${seen.where}: ${seen.message}`;
    case 'deviceDurable':
      return `${seen.device} saves ${seen.batch.puts.map(({ space, index }) => `${space}/${index}`).join(' ')}`;
    case 'serverDurable':
      return `disk of ${seen.partition} ← ${seen.batch.puts.map(({ space, index }) => `${space}/${index}`).join(' ')}`;
    case 'opened':
      return `${seen.device} starts, ${seen.client.digest()}`;
    case 'stopped':
      return `${seen.device} ${seen.hasCrashed ? 'is dead' : 'has stopped'}`;
    case 'reset':
      return `${seen.device} gives up its file: ${seen.reason}`;
    case 'switching':
      return `${seen.device} takes a fresh file, and ${seen.isDiscarding ? 'discards' : 'recovers'} what was not uploaded`;
    case 'serverStopped':
      return `${seen.server} ${seen.hasCrashed ? 'is dead' : 'has stopped'}`;
    case 'restored':
      return 'the database is what the backup was';
    case 'written':
      return `${seen.mark.device} writes mark ${seen.mark.id}${seen.mark.slot === null ? '' : ` into slot ${seen.mark.slot}`}`;
    case 'saved':
      return `${seen.mark.device} is told that mark ${seen.mark.id} is saved`;
    case 'uploaded':
      return `${seen.device} is told that all is uploaded`;
    case 'downloaded':
      return `${seen.device} is told that all is downloaded`;
    case 'changed':
    case 'arrived':
      return null;
    case 'decided':
      return `${seen.where} decides: ${seen.decisions.map(({ rule, outcome }) => `${rule} ${outcome}`).join(', ')}`;
    case 'quarantined':
      return `${seen.server} quarantines: ${seen.message}`;
    case 'reported':
      return `${seen.server} is told: ${seen.message}`;
    case 'sessionFailed':
      return `${seen.device} fails with ${seen.code}: ${seen.message}`;
    case 'told':
      return `${seen.who} ${seen.what}`;
  }
};

export class Transcript {
  readonly lines: string[] = [];

  constructor(world: World) {
    const beginning = world.time.now();
    world.onObservation((seen) => {
      const what = line(seen);
      const at = ((world.time.now() - beginning) / 1000).toFixed(3).padStart(9);
      if (what !== null) this.lines.push(`${at} ${what}`);
    });
  }

  /** Equal for equal transcripts. */
  hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex');
  }
}
