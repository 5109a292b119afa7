/**
 * Asks the rules of the configuration: who may open a partition, and who may write to it.
 *
 * The rules are pure; what they hang on besides is asked here, with a limit of time: what the app knows of the
 * user, and functions. A function that fails, or does not answer in time, leaves its rule unknown, which denies.
 * Where what the app knows of the user cannot be had, nothing is decided: rules may also say who may not.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type AccessAnswers,
  type AccessContext,
  type Access as AccessRight,
  type Answers,
  decideAccess,
  explainExpression,
  noAccessAnswers,
  type PartitionConfig,
  type PartitionValue,
  partitionName,
  partitionOfName,
  type RuleValue,
  toRuleRecord,
  toRuleValue,
  type WantedCall,
} from '../../core/index.js';
import type { Clock, User } from '../ports.js';
import type { RefusalReason } from './access.js';
import { longestSyncedName } from './sync-control.js';
import type { SyncOptions } from './sync-options.js';

export interface AuthorizerOptions extends SyncOptions {
  readonly clock: Clock;
  /** What holds at present. */
  readonly present: () => PartitionConfig;
  /** A function, or what the app knows of a user, has failed. */
  readonly onFailure: (partition: string, error: Error) => void;
}

export type Right = Exclude<AccessRight, 'none'>;

interface Decided {
  readonly access: AccessRight;
  readonly answers: AccessAnswers;
}

const defaultTimeout = 5000;

export class Authorizer {
  readonly #options: AuthorizerOptions;

  readonly #fixed: Pick<AccessContext, 'values' | 'environment'>;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    const { values, environment } = options;
    this.#fixed = { values: toRuleRecord(values), environment: toRuleRecord(environment) };
  }

  /** What the user may do with a partition. Rejects where what the app knows of the user cannot be had. */
  async right(user: User, partition: string): Promise<E.Either<RefusalReason, Right>> {
    const { partition: of } = this.#options.present();
    const value = partitionOfName(partition, of.type, of.isRequired);
    if (E.isLeft(value)) return E.left({ code: 204, message: `${value.left.name}: ${value.left.message}` });
    if (partition.length > longestSyncedName)
      return E.left({
        code: 204,
        message: `the name of a synced partition has at most ${longestSyncedName} code units`,
      });
    const { access } = await this.#decide(await this.#context(user, value.right));
    if (access !== 'none') return E.right(access);
    return E.left({
      code: 206,
      message: `user ${JSON.stringify(user.id)} may not open partition ${partition}`,
    });
  }

  /** The rules with what came of each of their parts, for people. Rejects as `right` does. */
  async explain(user: User, value: PartitionValue): Promise<string> {
    const { permissions } = this.#options.present().partition;
    const context = await this.#context(user, value);
    const { access, answers } = await this.#decide(context);
    const may = { none: 'may not open it', read: 'may read', write: 'may read and write' }[access];
    const part = (name: 'read' | 'write'): string =>
      explainExpression(permissions[name], context, answers[name]).replaceAll('\n', '\n  ');
    return [
      `user ${JSON.stringify(user.id)}, partition ${partitionName(value)}: ${may}`,
      `  write: ${part('write')}`,
      `  read: ${part('read')}`,
    ].join('\n');
  }

  async #context(user: User, partition: PartitionValue): Promise<AccessContext> {
    const { customData } = this.#options;
    const known = customData === undefined ? {} : await this.#inTime(async () => customData(user));
    return {
      user: { id: user.id, data: toRuleRecord(user.data), customData: toRuleRecord(known) },
      partition,
      ...this.#fixed,
    };
  }

  async #decide(context: AccessContext): Promise<Decided> {
    const { permissions } = this.#options.present().partition;
    let answers = noAccessAnswers;
    for (;;) {
      const verdict = decideAccess(permissions, context, answers);
      if (verdict.type === 'decided') return { access: verdict.access, answers };
      const [read, write] = await Promise.all([
        this.#answered(answers.read, verdict.read, context),
        this.#answered(answers.write, verdict.write, context),
      ]);
      answers = { read, write };
    }
  }

  async #answered(before: Answers, wanted: readonly WantedCall[], context: AccessContext): Promise<Answers> {
    if (wanted.length === 0) return before;
    const answers = new Map(before);
    const called = await Promise.all(wanted.map((call) => this.#call(call, context)));
    for (const [i, { id }] of wanted.entries()) answers.set(id, called[i]);
    return answers;
  }

  async #call(
    { name, arguments: given }: WantedCall,
    context: AccessContext,
  ): Promise<RuleValue | undefined> {
    const { functions = {}, onFailure } = this.#options;
    try {
      const called = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (called === undefined) throw new Error('no such function is registered');
      return toRuleValue(await this.#inTime(async () => called(...given)));
    } catch (error) {
      onFailure(partitionName(context.partition), new Error(`function ${name}: ${String(error)}`));
      return undefined;
    }
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    const { clock, functionTimeout = defaultTimeout } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(functionTimeout, () =>
        reject(new Error(`there was no answer within ${functionTimeout} ms`)),
      );
      work().then(resolve, reject).finally(cancel);
    });
  }
}
