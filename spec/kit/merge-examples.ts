/**
 * The examples of `spec/merging.md`, read from its fenced blocks: one marked `base`, whose instructions all
 * examples start from, and those marked `merge`.
 */
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction } from '../../core/model/instruction.js';
import { instructions } from './notation.js';

export interface MergeExample {
  /** The heading that it stands under, and its number there. */
  readonly name: string;
  readonly base: readonly Instruction[];
  readonly left: Changeset;
  readonly right: Changeset;
  readonly leftBecomes: readonly Instruction[];
  readonly rightBecomes: readonly Instruction[];
  /** What the reference makes of the same, where that is another thing. */
  readonly realm: { readonly left: readonly Instruction[]; readonly right: readonly Instruction[] } | null;
}

const sectionOf = (lines: readonly string[], start: RegExp): { head: string; body: string } | null => {
  const at = lines.findIndex((line) => start.test(line));
  if (at < 0) return null;
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('  '));
  const body = lines.slice(at + 1, end < 0 ? lines.length : end).join('\n');
  return { head: lines[at] as string, body: body.trim() === 'nothing' ? '' : body };
};

const required = (lines: readonly string[], start: RegExp): { head: string; body: string } => {
  const found = sectionOf(lines, start);
  if (found === null) throw new Error(`no section ${start} in:\n${lines.join('\n')}`);
  return found;
};

const sideOf = (lines: readonly string[], side: string): Changeset => {
  const { head, body } = required(lines, new RegExp(`^${side} \\d+ from \\d+$`));
  const [, timestamp, , origin] = head.split(' ');
  return {
    version: 1,
    base: 0,
    timestamp: Number(timestamp),
    origin: Number(origin),
    instructions: instructions(body),
  };
};

export const mergeExamples = (markdown: string): readonly MergeExample[] => {
  const blocks: { name: string; language: string; lines: string[] }[] = [];
  let heading = '';
  let open: string[] | null = null;
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) {
      if (open === null) {
        open = [];
        const number = blocks.filter(({ name }) => name.startsWith(`${heading}, `)).length + 1;
        blocks.push({ name: `${heading}, ${number}`, language: line.slice(3), lines: open });
      } else open = null;
    } else if (open !== null) open.push(line);
    else if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
  }
  const common = blocks.find(({ language }) => language === 'base');
  if (common === undefined) throw new Error('the examples have no common base');
  return blocks.flatMap(({ name, language, lines }) => {
    if (language !== 'merge') return [];
    const more = sectionOf(lines, /^base$/)?.body ?? '';
    const realmLeft = sectionOf(lines, /^realm: left becomes$/);
    return [
      {
        name,
        base: [...instructions(common.lines.join('\n')), ...instructions(more)],
        left: sideOf(lines, 'left'),
        right: sideOf(lines, 'right'),
        leftBecomes: instructions(required(lines, /^left becomes$/).body),
        rightBecomes: instructions(required(lines, /^right becomes$/).body),
        realm:
          realmLeft === null
            ? null
            : {
                left: instructions(realmLeft.body),
                right: instructions(required(lines, /^realm: right becomes$/).body),
              },
      },
    ];
  });
};
