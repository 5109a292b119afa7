/** What is wrong with a configuration: collected, so that a person sees all of it at once. */

export interface ConfigError {
  /** Where, as in `classes[1].properties.tags`. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  /** All of it in a sentence. */
  readonly message: string;
}

export class Findings {
  readonly errors: ConfigError[] = [];

  add(path: string, found: string, expected: string): void {
    this.errors.push({ path, found, expected, message: `${path}: found ${found}, expected ${expected}` });
  }

  /** Names are most often unknown because they are misspelled. */
  unknownNames(config: object, known: readonly string[], path: string): void {
    for (const name of Object.keys(config))
      if (!known.includes(name))
        this.add(pathOf(path, name), 'a name that is not known here', `one of ${known.join(', ')}`);
  }
}

/** The path of a member: `.name` where that is an identifier, else `["any name"]`. */
export const pathOf = (path: string, name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
