/**
 * Inputs of decoders that are kept: `spec/corpus/<decoder>.txt`, an input to a line, as its outcome and its bytes in
 * hexadecimal; lines that begin with # say what it is.
 *
 *     # a count of more than there is
 *     refused 8501ffffff07
 *
 * The outcome is `taken` or `refused`, or `found` for what the fuzzer has kept: then it is either, and the law has to
 * hold. All are tried by a test and before every run of the fuzzer, which also makes new ones from them.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DecoderName, decoderNames, decoders } from './decoders.js';

export interface KeptInput {
  readonly decoder: DecoderName;
  /** Of its file, from 1. */
  readonly line: number;
  readonly expected: 'taken' | 'refused' | 'found';
  readonly bytes: Uint8Array;
}

/** The one in the repository, whose sources these are compiled from. */
export const corpusFolder = fileURLToPath(new URL('../../../spec/corpus/', import.meta.url));

const fileOf = (decoder: DecoderName, folder: string): string =>
  `${folder}/${decoder.replaceAll(' ', '-')}.txt`;

/** @throws Error at a line that is none. */
export const readKept = (decoder: DecoderName, folder = corpusFolder): readonly KeptInput[] => {
  const path = fileOf(decoder, folder);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, i): KeptInput[] => {
      if (text === '' || text.startsWith('#')) return [];
      const [, expected, hex] = /^(taken|refused|found) ((?:[0-9a-f]{2})*)$/.exec(text) ?? [];
      if (expected === undefined || hex === undefined)
        throw new Error(`${path}:${i + 1}: an outcome and bytes in hexadecimal are expected`);
      const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
      return [{ decoder, line: i + 1, expected: expected as KeptInput['expected'], bytes }];
    });
};

export const readAllKept = (folder = corpusFolder): readonly KeptInput[] =>
  decoderNames.flatMap((decoder) => readKept(decoder, folder));

/** Adds an input that broke the law, unless it is there. Answers the path of its file. */
export const keepInput = (
  decoder: DecoderName,
  bytes: Uint8Array,
  why: string,
  folder = corpusFolder,
): string => {
  const path = fileOf(decoder, folder);
  mkdirSync(folder, { recursive: true });
  const line = `found ${Buffer.from(bytes).toString('hex')}`;
  const isKept = existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(line);
  const [first = ''] = why.split('\n');
  if (!isKept) appendFileSync(path, `# ${first}\n${line}\n`);
  return path;
};

/** Null, or what is wrong with what the decoder makes of it now. */
export const keptFault = ({ decoder, line, expected, bytes }: KeptInput): string | null => {
  const place = `${decoder}, line ${line}`;
  try {
    const { outcome, says } = decoders[decoder](bytes);
    const isAsExpected = expected === 'found' ? outcome !== 'wrong' : outcome === expected;
    return isAsExpected ? null : `${place}: ${outcome} and not ${expected}: ${says}`;
  } catch (error) {
    return `${place}: ${error instanceof Error ? error.stack : String(error)}`;
  }
};
