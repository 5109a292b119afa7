/**
 * A TypeScript source text, taken apart far enough for the rules of `tidy.ts`: code, comments and strings,
 * each at its own place. It is a lexer only. Where a slash after a closing bracket could start a regular
 * expression or divide, it divides.
 */

export interface StringLiteral {
  /** Offset of the opening quote. */
  readonly at: number;
  readonly text: string;
}

export interface Source {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text, with comments and the insides of strings and regular expressions as spaces; line breaks stay. */
  readonly code: string;
  /** The text, with everything but comments as spaces; line breaks stay. */
  readonly comments: string;
  /** Literals in quotes, in order; templates are not among them. */
  readonly strings: readonly StringLiteral[];
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

const beforeRegex =
  /(?:^|[(,=:[!&|?{;+\-*%~^<>]|\b(?:return|typeof|case|in|of|void|throw|else|do|yield|await))$/;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const quotedText = /(['"])(?:(?!\1)[^\\\n]|\\[\s\S])*\1?/y;
const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const comment = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y;
const plainCode = /[^/'"`{}]+|[\s\S]/y;

/** Takes a text apart, in time linear in its length. Never fails: a text that is no TypeScript gives some parts. */
export const readSource = (path: string, text: string): Source => {
  let code = '';
  let comments = '';
  const strings: StringLiteral[] = [];
  /** Braces open in each template expression that the place is in; the first entry is for none. */
  const depths: number[] = [0];
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? '';
  };
  const put = (codePart: string, commentPart: string, length: number): void => {
    code += codePart;
    comments += commentPart;
    at += length;
  };
  /** From the start of a stretch of template text to the backquote or the `${` that ends it. */
  const takeTemplate = (): void => {
    const inside = take(templateText);
    put(blank(inside), blank(inside), inside.length);
    const open = text.startsWith('${', at);
    if (open) depths.push(0);
    const end = open ? '${' : text.slice(at, at + 1);
    put(end, blank(end), end.length);
  };
  while (at < text.length) {
    const char = text[at];
    const found = char === '/' ? take(comment) : '';
    if (found !== '') {
      put(blank(found), found, found.length);
    } else if (char === "'" || char === '"') {
      const literal = take(quotedText);
      const inside = literal.slice(1, -1);
      strings.push({ at, text: inside });
      put(char + blank(inside) + (literal.length > 1 ? char : ''), blank(literal), literal.length);
    } else if (char === '`') {
      put(char, ' ', 1);
      takeTemplate();
    } else if (char === '}' && depths.length > 1 && depths.at(-1) === 0) {
      depths.pop();
      put(char, ' ', 1);
      takeTemplate();
    } else {
      const pattern = char === '/' && beforeRegex.test(code.trimEnd().slice(-10)) ? take(regex) : '';
      if (pattern !== '') {
        put(`/${blank(pattern.slice(1))}`, blank(pattern), pattern.length);
        continue;
      }
      const depth = depths.length - 1;
      if (char === '{') depths[depth] = (depths[depth] ?? 0) + 1;
      if (char === '}') depths[depth] = (depths[depth] ?? 0) - 1;
      const plain = take(plainCode);
      put(plain, blank(plain), plain.length);
    }
  }
  return { path, text, code, comments, strings };
};

/** Number of the line of an offset, from 1. */
export const lineAt = (source: Source, at: number): number => source.text.slice(0, at).split('\n').length;

/** The path, from the root, that a relative specifier in a file means as a source: `.js` stands for `.ts`. */
export const resolve = (path: string, specifier: string): string => {
  const parts = path.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/').replace(/\.js$/, '.ts');
};

export interface Import {
  /** Path of a source of the project, or the name of a package or built-in module as written. */
  readonly target: string;
  readonly isRelative: boolean;
  readonly line: number;
}

/** Every import and re-export, of types too. */
export const importsOf = (source: Source): Import[] => {
  const imports: Import[] = [];
  for (const { at, text } of source.strings) {
    if (!/\b(?:from|import|import\s*\()\s*$/.test(source.code.slice(Math.max(0, at - 20), at))) continue;
    const isRelative = text.startsWith('.');
    imports.push({
      target: isRelative ? resolve(source.path, text) : text,
      isRelative,
      line: lineAt(source, at),
    });
  }
  return imports;
};
