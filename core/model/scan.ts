/**
 * Scanner of one line of the notation: the tokens that the grammar in `parse.ts` is made of.
 *
 * The first fault stays: a scanner that has failed consumes nothing more, matches nothing, and returns
 * empty tokens, so that the grammar needs no check after each token. Whoever has read a whole line looks
 * at `fault` before using what was read. Spaces and tabs may stand before any token.
 */

/** Where a text stops being notation. Lines and columns count from 1, columns in UTF-16 code units. */
export interface ParseError {
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly expected: string;
}

/** `line 3, column 14: found "=", expected …` */
export const printParseError = (error: ParseError): string =>
  `line ${error.line}, column ${error.column}: found ${error.found}, expected ${error.expected}`;

export interface Fault {
  /** Offset into the line. */
  readonly at: number;
  readonly expected: string;
}

const space = /[ \t\r]*/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const digits = /-?[0-9]+(?![A-Za-z0-9_.])/y;
const plain = /[^ \t\r(),]*/y;
// Everything that a person would see as one token, for the report of what was found.
const lump = /[A-Za-z0-9_.+-]{1,40}|\\.|[^A-Za-z0-9_.][^\sA-Za-z0-9_."`]?/y;

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '`': '`',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const matchAt = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
};

/** What stands at an offset, for a message. */
export const foundAt = (text: string, at: number): string => {
  const token = matchAt(lump, text, at);
  return token === '' ? 'the end of the line' : JSON.stringify(token);
};

export class Scanner {
  readonly text: string;
  fault: Fault | null = null;
  #at = 0;

  constructor(text: string) {
    this.text = text;
    this.#skip();
  }

  /** Offset of the next token. */
  get at(): number {
    return this.#at;
  }

  #skip(): void {
    this.#at += matchAt(space, this.text, this.#at).length;
  }

  /** Records that the text at `at`, by default the next token, is not what was expected. */
  fail(expected: string, at = this.#at): void {
    this.fault ??= { at, expected };
  }

  /** Consumes a symbol if it comes next. */
  accept(symbol: string): boolean {
    if (this.fault !== null || !this.text.startsWith(symbol, this.#at)) return false;
    this.#at += symbol.length;
    this.#skip();
    return true;
  }

  expect(symbol: string, expected = JSON.stringify(symbol)): void {
    if (!this.accept(symbol)) this.fail(expected);
  }

  /** The word that comes next, not consumed; empty if it is something else. */
  peekWord(): string {
    return this.fault === null ? matchAt(word, this.text, this.#at) : '';
  }

  /** Consumes a keyword if it is the word that comes next. */
  acceptWord(keyword: string): boolean {
    return this.peekWord() === keyword && this.accept(keyword);
  }

  expectWord(keyword: string, expected = JSON.stringify(keyword)): void {
    if (!this.acceptWord(keyword)) this.fail(expected);
  }

  /** One of a few keywords; the first of them after a fault. */
  oneOf<W extends string>(keywords: readonly [W, ...W[]], expected: string): W {
    const next = this.peekWord();
    const found = keywords.find((keyword) => keyword === next);
    if (found === undefined) {
      this.fail(expected);
      return keywords[0];
    }
    this.accept(found);
    return found;
  }

  /** A bare word, or any text between backquotes. */
  name(expected: string): string {
    if (this.peek('`')) return this.#string('`');
    const bare = this.peekWord();
    if (bare === '') this.fail(expected);
    else this.accept(bare);
    return bare;
  }

  /** Any text between double quotes. */
  string(): string {
    if (this.peek('"')) return this.#string('"');
    this.fail('a string between double quotes');
    return '';
  }

  peek(symbol: string): boolean {
    return this.fault === null && this.text.startsWith(symbol, this.#at);
  }

  /** A canonical decimal integer (neither `-0` nor leading zeros) within bounds; zero after a fault. */
  integer(min: bigint, max: bigint, expected: string): bigint {
    const token = this.fault === null ? matchAt(digits, this.text, this.#at) : '';
    // No bound has more than twenty characters; a longer token is not worth the conversion.
    const value = token.length <= 20 ? BigInt(token) : max + 1n;
    if (token === '' || value < min || value > max || value.toString() !== token) {
      this.fail(expected);
      return 0n;
    }
    this.accept(token);
    return value;
  }

  /** What stands between parentheses, up to the next space, comma or parenthesis; empty after a fault. */
  argument(isValid: (token: string) => boolean, expected: string): string {
    this.expect('(');
    if (this.fault !== null) return '';
    const token = matchAt(plain, this.text, this.#at);
    if (!isValid(token)) {
      this.fail(expected);
      return '';
    }
    this.accept(token);
    this.expect(')');
    return token;
  }

  end(expected = 'the end of the line'): void {
    if (this.#at < this.text.length) this.fail(expected);
  }

  /** The text up to the closing quote, with its escapes resolved. */
  #string(quote: '"' | '`'): string {
    const { text } = this;
    const parts: string[] = [];
    let from = this.#at + 1;
    let at = from;
    for (; text[at] !== quote; at++) {
      if (at >= text.length) {
        this.fail(quote === '"' ? 'a closing double quote' : 'a closing backquote', at);
        return '';
      }
      if (text.charCodeAt(at) < 0x20) {
        this.fail('an escape such as \\n or \\u0000 in place of a control character', at);
        return '';
      }
      if (text[at] !== '\\') continue;
      parts.push(text.slice(from, at));
      const hex = matchAt(/u[0-9A-Fa-f]{4}/y, text, at + 1);
      const resolved = escapes[text[at + 1] ?? ''];
      if (hex === '' && resolved === undefined) {
        this.fail('one of the escapes \\" \\` \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX', at);
        return '';
      }
      parts.push(resolved ?? String.fromCharCode(Number.parseInt(hex.slice(1), 16)));
      at += resolved === undefined ? 5 : 1;
      from = at + 1;
    }
    parts.push(text.slice(from, at));
    this.#at = at + 1;
    this.#skip();
    return parts.join('');
  }
}
