/** Replayed steps in words: what came, what was done about it, and why, in the notation. */
import type { RecordBatch } from '../base/record.js';
import { entriesOf } from '../base/run.js';
import type { Decision, Party } from '../merge/recorder.js';
import { printChangeset, printInstruction } from '../model/notation.js';
import type { Message } from '../protocol/messages.js';
import type { ClientEffect, ClientEvent } from '../session/client-session.js';
import type { ServerEffect, ServerEvent } from '../session/server-session.js';
import type { ReplayedStep } from './replay.js';

/** ISO 8601, or the number where it is no time. */
export const printTime = (now: number): string => {
  const date = new Date(now);
  return Number.isNaN(date.getTime()) ? String(now) : date.toISOString();
};

/** `name value, name (name value, name value)`, of plain data, without its type and time. */
const printFields = (fields: object): string =>
  Object.entries(fields)
    .filter(([name]) => name !== 'type' && name !== 'now')
    .map(([name, value]) => `${name} ${printField(value)}`)
    .join(', ');

const printField = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? `(${printFields(value)})`
    : JSON.stringify(value);

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

interface Said {
  /** One line. */
  readonly line: string;
  /** What does not fit in it. */
  readonly more: readonly string[];
}

const said = (line: string, more: readonly string[] = []): Said => ({ line, more });

const printMessage = (message: Message): Said => {
  const { type, ...fields } = message;
  const { changesets, damaged, token, ...plain } = {
    changesets: undefined,
    damaged: undefined,
    token: undefined,
    ...fields,
  };
  const parts = [printFields(plain)];
  if (changesets !== undefined) parts.push(counted(changesets.length, 'changeset'));
  if (damaged !== undefined) parts.push(`damaged: ${damaged.reason}`);
  const more = (changesets ?? []).flatMap((changeset) => printChangeset(changeset).split('\n'));
  return said(`${type} ${parts.filter((part) => part !== '').join(', ')}`.trim(), more);
};

const named = (event: ClientEvent | ServerEvent, { line, more }: Said): Said =>
  'connection' in event ? said(`connection ${event.connection}: ${line}`, more) : said(line, more);

const printEvent = (event: ClientEvent | ServerEvent): Said => {
  switch (event.type) {
    case 'message':
      return named(event, printMessage(event.message));
    case 'write':
      return said(
        `write ${counted(event.instructions.length, 'instruction')}${event.unparks === undefined ? '' : `, for parked write ${event.unparks}`}`,
        event.instructions.map(printInstruction),
      );
    case 'written':
      return said(
        `written ${counted(event.write.instructions.length, 'instruction')}`,
        event.write.instructions.map(printInstruction),
      );
    case 'opened':
      return said('opened');
    case 'switched': {
      const { fresh, writes, parked } = event.prepared;
      const { serverVersion } = fresh.progress.download;
      return said(
        `switched to file ${fresh.ident} at server version ${serverVersion}, ${counted(writes.length, 'write')} recovered, ${parked.length} parked`,
        writes.flatMap(({ write }) => printChangeset(write.original).split('\n')),
      );
    }
    case 'read':
      return said(`read ${event.id}: ${counted(event.entries.length, 'record')}`);
    case 'rewritten': {
      const { plan, changed } = event.rewritten;
      return said(
        `rewritten up to ${plan.head}, folded up to ${plan.cut}, ${counted(changed.length, 'changeset')} changed`,
      );
    }
    case 'refreshed':
      return said(`refreshed: the store is at version ${event.partition.head}`);
    default:
      return said(`${event.type} ${printFields(event)}`.trim());
  }
};

const printBatch = ({ deletes, puts }: RecordBatch): string => {
  const parts = puts.map(({ space, index, bytes }) => `${space}/${index} (${bytes.length})`);
  if (deletes.length > 0)
    parts.push(`without ${deletes.map(({ space, from, to }) => `${space}/${from}…${to - 1}`).join(' ')}`);
  return parts.join(' ');
};

const printEffect = (effect: ClientEffect | ServerEffect): Said => {
  switch (effect.type) {
    case 'commit':
      return said(`commit ${printBatch(effect.batch)}`);
    case 'send': {
      const { line, more } = printMessage(effect.message);
      return said(`send ${'connection' in effect ? `on ${effect.connection} ` : ''}${line}`, more);
    }
    case 'changed':
      return said(`changed by ${effect.cause}`);
    case 'decided':
      return said(`decided ${effect.decisions.map(({ rule, outcome }) => `${rule} ${outcome}`).join(', ')}`);
    default:
      return said(`${effect.type} ${printFields(effect)}`.trim());
  }
};

const printParty = ({ changeset, instruction }: Party): string =>
  `${printInstruction(instruction)} (file ${changeset.origin} at ${changeset.timestamp})`;

const printDecision = ({ rule, outcome, reason, winner, loser, result }: Decision): readonly string[] => [
  `${rule} ${outcome}: ${reason}`,
  `  stands: ${printParty(winner)}`,
  `  ${outcome}: ${printParty(loser)}`,
  ...(result === null ? [] : [`  is now: ${printInstruction(result)}`]),
];

/** Where the machine was and where it is. */
const printPlaces = (step: ReplayedStep): string => {
  if (step.type === 'lost') return '';
  if (step.type === 'client') {
    const from = step.before.phase;
    const to = step.after?.machine.phase ?? from;
    return from === to ? from : `${from} → ${to}`;
  }
  const from = step.before.partition.head;
  const to = step.after?.machine.partition.head ?? from;
  return from === to ? `version ${from}` : `version ${from} → ${to}`;
};

/** `step 12 2026-01-01T00:00:00.000Z client 1 (p) streaming: mark request 3 → commit, send mark` */
export const printStepLine = (step: ReplayedStep): string => {
  const { number, track, name, differences } = step;
  const mark = differences.length === 0 ? '' : ` !! ${differences.join('; ')}`;
  if (step.type === 'lost') return `step ${number} machine ${track} (${name})${mark}`;
  const effects =
    step.after === null
      ? [`throws ${step.threw ?? ''}`]
      : step.after.effects.map((effect) =>
          effect.type === 'send' ? `send ${effect.message.type}` : effect.type,
        );
  const done = effects.length === 0 ? '' : ` ⇒ ${effects.join(', ')}`;
  return `step ${number} ${printTime(step.event.now)} ${step.type} ${track} (${name}) ${printPlaces(step)}: ${printEvent(step.event).line}${done}${mark}`;
};

const indented = (label: string, { line, more }: Said, most: number): string[] => {
  const lines = [`  ${label} ${line}`, ...more.slice(0, most).map((each) => `       ${each}`)];
  if (more.length > most) lines.push(`       … and ${more.length - most} lines more`);
  return lines;
};

const printAbout = (step: ReplayedStep): string[] => {
  if (step.type === 'client') {
    const { file, number, waiters, attempts } = (step.after ?? { machine: step.before }).machine;
    const { download, upload } = file.progress;
    return [
      `  then file ${file.ident} at version ${file.version}, ${entriesOf(file.writes).length} writes kept, server version ${download.serverVersion}, uploaded ${upload.clientVersion}, binding ${number}, ${waiters.length} waiting, ${attempts} attempts failed`,
    ];
  }
  if (step.type === 'lost') return [];
  const { partition, sessions } = (step.after ?? { machine: step.before }).machine;
  return [
    `  then ${counted(sessions.size, 'session')}, ${counted(partition.files.size, 'file')}, version ${partition.head}, folded up to ${partition.cut}`,
  ];
};

/**
 * The whole step, on several lines. `decisions`: what its merges decided, where that is wanted; `most`: lines of
 * one list of instructions.
 */
export const printStep = (
  step: ReplayedStep,
  decisions: readonly Decision[] | null = null,
  most = 20,
): string => {
  const { number, track, name, differences } = step;
  if (step.type === 'lost') return printStepLine(step);
  const lines = [
    `step ${number} ${printTime(step.event.now)} ${step.type} ${track} (${name}) ${printPlaces(step)}`,
    ...indented('in  ', printEvent(step.event), most),
  ];
  for (const effect of step.after?.effects ?? []) lines.push(...indented('out ', printEffect(effect), most));
  if (step.threw !== null) lines.push(`  out  throws ${step.threw}`);
  for (const decision of decisions ?? [])
    lines.push(...printDecision(decision).map((each) => `  why  ${each}`));
  lines.push(...printAbout(step));
  for (const difference of differences) lines.push(`  !!   ${difference}`);
  return lines.join('\n');
};
