/**
 * What rules are told of the world: JSON, copied from whatever the embedder has. Ids are their text, moments their
 * ISO form, and what is neither data nor names a property of every object is left out.
 */
import { ObjectId, UUID } from 'bson';
import { isPlainObject } from '../model/edge-kinds.js';
import type { RuleRecord } from './evaluate.js';
import type { RuleValue } from './expression.js';
import { forbiddenNames } from './parse-expression.js';
import { numberOrBigint } from './partition-value.js';

const DEPTH = 20;
const NODES = 100_000;

/** Undefined where it is no data, or more than rules can be told: 20 levels, 100,000 values. */
export const toRuleValue = (given: unknown): RuleValue | undefined => new Copier().value(given, 1);

/** Empty where there is nothing. Null where `given` is no plain object, or too much: then nothing is known of it. */
export const toRuleRecord = (given: unknown): RuleRecord | null => {
  if (given === undefined || given === null) return {};
  const copied = isPlainObject(given) ? toRuleValue(given) : undefined;
  return (copied ?? null) as RuleRecord | null;
};

class Copier {
  private nodes = 0;
  private isTooMuch = false;

  value(given: unknown, depth: number): RuleValue | undefined {
    const copied = this.copy(given, depth);
    return this.isTooMuch ? undefined : copied;
  }

  private copy(given: unknown, depth: number): RuleValue | undefined {
    this.nodes++;
    if (depth > DEPTH || this.nodes > NODES) this.isTooMuch = true;
    if (this.isTooMuch) return undefined;
    switch (typeof given) {
      case 'string':
      case 'boolean':
        return given;
      case 'bigint':
        return numberOrBigint(given);
      case 'number':
        return Number.isFinite(given) ? given : undefined;
      case 'object':
        return given === null ? null : this.object(given, depth);
      default:
        return undefined;
    }
  }

  private object(given: object, depth: number): RuleValue | undefined {
    if (given instanceof ObjectId || given instanceof UUID) return given.toString();
    if (given instanceof Date) return Number.isFinite(given.getTime()) ? given.toISOString() : undefined;
    if (Array.isArray(given)) {
      const items: RuleValue[] = [];
      for (const item of given) {
        const copied = this.copy(item, depth + 1);
        if (this.isTooMuch) return undefined;
        // A list keeps its places.
        items.push(copied ?? null);
      }
      return items;
    }
    if (!isPlainObject(given)) return undefined;
    const copied: Record<string, RuleValue> = {};
    for (const name of Object.keys(given)) {
      if (forbiddenNames.has(name)) continue;
      const value = this.copy(given[name], depth + 1);
      if (value !== undefined) copied[name] = value;
    }
    return copied;
  }
}
