/**
 * Reads rule expressions. What is wrong is told whole, each with its place; nothing that is not understood is
 * let pass, because it would mean something else to whoever wrote it.
 */
import { RE2JS } from 're2js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { type Findings, pathOf } from '../model/schema-findings.js';
import {
  type Call,
  type Comparison,
  type Expansion,
  type ExpansionRoot,
  type Expression,
  expressionLimits,
  listOperators,
  type Operand,
  type RuleValue,
  type ValueOperator,
  valueOperators,
} from './expression.js';
import { numberOrBigint } from './partition-value.js';

/** Reads one expression. `functions`: the names that may be called. Null where there are findings. */
export const parseExpression = (
  input: unknown,
  path: string,
  functions: ReadonlySet<string>,
  findings: Findings,
): Expression | null => {
  const before = findings.errors.length;
  const expression = new Parser(functions, findings).expression(input, path, 1);
  return findings.errors.length > before ? null : expression;
};

/** Names that reach what every JavaScript object has, instead of what this one holds. */
export const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const logical: ReadonlyMap<string, 'and' | 'or' | 'nor'> = new Map([
  ['$and', 'and'],
  ['$or', 'or'],
  ['$nor', 'nor'],
]);

const operatorNames = [
  ...valueOperators,
  ...listOperators,
  '$size',
  '$exists',
  '$regex',
  '$options',
  '$not',
  '$elemMatch',
  '%function',
].join(', ');

/** What a list in a list would be asked, which is compared as a whole only. */
const ofLists: ReadonlySet<string> = new Set(['$all', '$size', '$elemMatch']);

const nothing: Expression = { kind: 'constant', value: false };
const noOperand: Operand = { kind: 'value', value: null };

const isOperator = (name: string): boolean => /^[$%][A-Za-z]/.test(name);
/** Operators may be written with `%`. */
const canonical = (name: string): string =>
  name.startsWith('%') && name !== '%function' ? `$${name.slice(1)}` : name;

class Parser {
  private readonly functions: ReadonlySet<string>;
  private readonly findings: Findings;
  private nodes = 0;
  private calls = 0;
  private program = 0;
  /** Within `$elemMatch`. */
  private isInElement = false;

  constructor(functions: ReadonlySet<string>, findings: Findings) {
    this.functions = functions;
    this.findings = findings;
  }

  expression(input: unknown, path: string, depth: number): Expression {
    if (!this.enter(path, depth)) return nothing;
    if (typeof input === 'boolean') return { kind: 'constant', value: input };
    if (!isPlainObject(input))
      return this.wrong(path, describeFound(input), 'true, false or an object of conditions', nothing);
    const parts = Object.keys(input).map((name) =>
      this.condition(name, input[name], pathOf(path, name), depth),
    );
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'and', parts };
  }

  private condition(name: string, input: unknown, path: string, depth: number): Expression {
    const operator = canonical(name);
    const group = logical.get(operator);
    if (group !== undefined) {
      if (!Array.isArray(input) || input.length === 0)
        return this.wrong(path, describeFound(input), 'an array of at least one expression', nothing);
      const members: readonly unknown[] = input;
      return {
        kind: group,
        parts: members.map((each, k) => this.expression(each, `${path}[${k}]`, depth + 1)),
      };
    }
    if (operator === '$not') return { kind: 'not', part: this.expression(input, path, depth + 1) };
    if (!name.startsWith('%%')) {
      const what = isOperator(name) ? 'an operator that does not stand here' : 'the name of a field';
      return this.wrong(
        path,
        what,
        'an expansion such as %%user.id or %%partition, or $and, $or, $nor, $not',
        nothing,
      );
    }
    const subject = this.expansion(name, path);
    if (subject === null) return nothing;
    return { kind: 'match', subject, comparisons: this.comparisons(input, path, depth + 1) };
  }

  /** What stands on the right of an expansion: a value to be equal to, or operators. */
  private comparisons(input: unknown, path: string, depth: number): readonly Comparison[] {
    if (
      !isPlainObject(input) ||
      isExtendedJson(input) ||
      !Object.keys(input).some(isOperator) ||
      '%function' in input
    )
      return [{ operator: '$eq', operand: this.operand(input, path, depth) }];
    if (!this.enter(path, depth)) return [];
    const read: Comparison[] = [];
    const met = new Set<string>();
    for (const name of Object.keys(input)) {
      const operator = canonical(name);
      if (met.has(operator))
        this.findings.add(pathOf(path, name), `${operator} a second time`, 'each operator once');
      met.add(operator);
      if (operator === '$options' && ('$regex' in input || '%regex' in input)) continue;
      const comparison = this.comparison(operator, input[name], input, pathOf(path, name), depth);
      if (comparison !== null) read.push(comparison);
    }
    return read;
  }

  private comparison(
    operator: string,
    input: unknown,
    all: Readonly<Record<string, unknown>>,
    path: string,
    depth: number,
  ): Comparison | null {
    if (this.isInElement && ofLists.has(operator))
      return this.wrong(path, `${operator} in $elemMatch`, 'an operator for what is no list', null);
    for (const known of valueOperators)
      if (operator === known)
        return { operator: known, operand: this.valueOperand(known, input, path, depth + 1) };
    for (const known of listOperators)
      if (operator === known) return { operator: known, operand: this.listOperand(input, path, depth + 1) };
    switch (operator) {
      case '$not':
      case '$elemMatch':
        if (isPlainObject(input) && Object.keys(input).some(isOperator))
          return { operator, comparisons: this.nestedComparisons(operator, input, path, depth + 1) };
        return this.wrong(path, describeFound(input), 'an object of operators', null);
      case '$exists':
        if (typeof input === 'boolean') return { operator, exists: input };
        return this.wrong(path, describeFound(input), 'true or false', null);
      case '$size':
        if (typeof input === 'number' && Number.isSafeInteger(input) && input >= 0)
          return { operator, size: input };
        return this.wrong(path, describeFound(input), 'a whole number from 0 up', null);
      case '$regex':
        return this.regex(input, all['$options'] ?? all['%options'] ?? '', path);
      default:
        return this.wrong(path, 'an operator that is not known here', `one of ${operatorNames}`, null);
    }
  }

  private nestedComparisons(
    operator: '$not' | '$elemMatch',
    input: unknown,
    path: string,
    depth: number,
  ): readonly Comparison[] {
    const wasInElement = this.isInElement;
    this.isInElement ||= operator === '$elemMatch';
    const read = this.comparisons(input, path, depth);
    this.isInElement = wasInElement;
    return read;
  }

  private regex(pattern: unknown, options: unknown, path: string): Comparison | null {
    if (typeof pattern !== 'string' || pattern.length > expressionLimits.pattern)
      return this.wrong(
        path,
        describeFound(pattern),
        `a pattern of at most ${expressionLimits.pattern} characters`,
        null,
      );
    if (typeof options !== 'string' || !/^[ims]*$/.test(options))
      return this.wrong(path, `the options ${describeFound(options)}`, 'options among i, m and s', null);
    const flaw = this.patternFlaw(pattern, options);
    if (flaw !== null)
      return this.wrong(path, flaw, 'a regular expression of RE2 (no look-around, no back references)', null);
    return { operator: '$regex', pattern, options };
  }

  private valueOperand(operator: ValueOperator, input: unknown, path: string, depth: number): Operand {
    const operand = this.operand(input, path, depth);
    const isEquality = operator === '$eq' || operator === '$ne';
    const isStructure =
      operand.kind === 'list' ||
      (operand.kind === 'value' && typeof operand.value === 'object' && operand.value !== null);
    if (isEquality || !isStructure) return operand;
    return this.wrong(path, describeFound(input), 'something that has an order', operand);
  }

  /** What is wrong with a regular expression, or null. */
  private patternFlaw(pattern: string, options: string): string | null {
    if (this.program > expressionLimits.program) return 'one more regular expression than fits';
    try {
      this.program += compilePattern(pattern, options).programSize();
    } catch (error) {
      return `the pattern ${JSON.stringify(pattern)} (${error instanceof Error ? error.message : String(error)})`;
    }
    return this.program <= expressionLimits.program
      ? null
      : `the pattern ${JSON.stringify(pattern)}, with which they are more than ${expressionLimits.program} instructions`;
  }

  /** A list, written out or what an expansion or a function stands for. */
  private listOperand(input: unknown, path: string, depth: number): Operand {
    const operand = this.operand(input, path, depth);
    if (operand.kind === 'value' && !Array.isArray(operand.value))
      return this.wrong(
        path,
        describeFound(input),
        'an array, or an expansion or a function that gives one',
        operand,
      );
    return operand;
  }

  private operand(input: unknown, path: string, depth: number): Operand {
    if (!this.enter(path, depth)) return noOperand;
    if (typeof input === 'string' && input.startsWith('%%')) return this.expansion(input, path) ?? noOperand;
    if (Array.isArray(input)) {
      const members: readonly unknown[] = input;
      const items = members.map((each, k) => this.operand(each, `${path}[${k}]`, depth + 1));
      const values = items.flatMap((item) => (item.kind === 'value' ? [item.value] : []));
      return values.length === items.length ? { kind: 'value', value: values } : { kind: 'list', items };
    }
    if (isPlainObject(input) && '%function' in input) return this.call(input, path, depth);
    return { kind: 'value', value: this.value(input, path, depth) };
  }

  private call(input: Readonly<Record<string, unknown>>, path: string, depth: number): Operand {
    const at = pathOf(path, '%function');
    const spec = input['%function'];
    if (Object.keys(input).length > 1)
      return this.wrong(path, 'more than %function', '%function alone', noOperand);
    if (!isPlainObject(spec)) return this.wrong(at, describeFound(spec), '{ name, arguments }', noOperand);
    this.findings.unknownNames(spec, ['name', 'arguments'], at);
    const { name, arguments: given = [] } = spec;
    if (typeof name !== 'string' || !this.functions.has(name))
      return this.wrong(`${at}.name`, describeFound(name), knownFunctions(this.functions), noOperand);
    if (!Array.isArray(given))
      return this.wrong(`${at}.arguments`, describeFound(given), 'an array', noOperand);
    const values: readonly unknown[] = given;
    const call: Call = {
      kind: 'call',
      id: this.calls++,
      name,
      arguments: values.map((each, k) => this.operand(each, `${at}.arguments[${k}]`, depth + 2)),
    };
    return call;
  }

  private value(input: unknown, path: string, depth: number): RuleValue {
    if (typeof input === 'string' && input.startsWith('%%'))
      return this.wrong(path, `the expansion ${JSON.stringify(input)} in a value`, 'a value of JSON', null);
    if (input === null || typeof input === 'boolean' || typeof input === 'string') return input;
    if (typeof input === 'number' && Number.isFinite(input)) return input;
    if (!isPlainObject(input)) return this.wrong(path, describeFound(input), 'a value of JSON', null);
    if (isExtendedJson(input)) return this.extended(input, path);
    const record: Record<string, RuleValue> = {};
    for (const name of Object.keys(input)) {
      const at = pathOf(path, name);
      if (forbiddenNames.has(name) || isOperator(name) || name.startsWith('%%'))
        this.findings.add(at, `the name ${JSON.stringify(name)} in a value`, 'the name of a field');
      else record[name] = this.nested(input[name], at, depth + 1);
    }
    return record;
  }

  private nested(input: unknown, path: string, depth: number): RuleValue {
    if (!this.enter(path, depth)) return null;
    if (!Array.isArray(input)) return this.value(input, path, depth);
    const members: readonly unknown[] = input;
    return members.map((each, k) => this.nested(each, `${path}[${k}]`, depth + 1));
  }

  /** As rules see such values (`partition-value.ts`). */
  private extended(input: Readonly<Record<string, unknown>>, path: string): RuleValue {
    const [form = ''] = Object.keys(input);
    const text = input[form];
    if (typeof text === 'string') {
      if (form === '$oid' && /^[0-9a-f]{24}$/i.test(text)) return text.toLowerCase();
      if (form === '$uuid' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
        return text.toLowerCase();
      if (form === '$numberLong' && /^-?[0-9]{1,19}$/.test(text)) return numberOrBigint(BigInt(text));
    }
    return this.wrong(path, `a malformed ${form}`, extendedForms, null);
  }

  private expansion(text: string, path: string): Expansion | null {
    const [root = '', ...names] = text.slice(2).split('.');
    const found = `the expansion ${JSON.stringify(text)}`;
    if (!isRoot(root)) return this.wrong(path, found, expansionForms, null);
    if (names.some((name) => name === '' || forbiddenNames.has(name)))
      return this.wrong(path, found, 'names of fields between its dots', null);
    const [first] = names;
    const isComplete =
      root === 'values' || root === 'environment'
        ? names.length > 0
        : root === 'user'
          ? (first === 'id' && names.length === 1) || first === 'data' || first === 'custom_data'
          : names.length === 0;
    if (!isComplete) return this.wrong(path, found, expansionForms, null);
    return { kind: 'expansion', text, root, path: names };
  }

  private enter(path: string, depth: number): boolean {
    this.nodes++;
    if (depth > expressionLimits.depth)
      return this.wrong(path, 'another level', `at most ${expressionLimits.depth} levels`, false);
    if (this.nodes === expressionLimits.nodes + 1)
      this.findings.add(path, 'another value', `at most ${expressionLimits.nodes} values in an expression`);
    return this.nodes <= expressionLimits.nodes;
  }

  private wrong<Rest>(path: string, found: string, expected: string, rest: Rest): Rest {
    this.findings.add(path, found, expected);
    return rest;
  }
}

const expansionForms =
  '%%user.id, %%user.data…, %%user.custom_data…, %%partition, %%true, %%false, %%values.… or %%environment.…';
const extendedForms = '{ "$oid": 24 hex digits }, { "$uuid": … } or { "$numberLong": digits }';

const knownFunctions = (functions: ReadonlySet<string>): string =>
  functions.size === 0
    ? 'the name of a function, but none is registered'
    : `a function that is registered: ${[...functions].join(', ')}`;

const isRoot = (name: string): name is ExpansionRoot =>
  ['user', 'partition', 'values', 'environment', 'true', 'false'].includes(name);

const isExtendedJson = (input: Readonly<Record<string, unknown>>): boolean => {
  const names = Object.keys(input);
  return names.length === 1 && ['$oid', '$uuid', '$numberLong'].includes(names[0] ?? '');
};

/** Searches in time that grows with the text alone, whatever the pattern. */
export const compilePattern = (pattern: string, options: string): RE2JS => {
  let flags = 0;
  if (options.includes('i')) flags |= RE2JS.CASE_INSENSITIVE;
  if (options.includes('m')) flags |= RE2JS.MULTILINE;
  if (options.includes('s')) flags |= RE2JS.DOTALL;
  return RE2JS.compile(pattern, flags);
};
