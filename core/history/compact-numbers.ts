/** Numbers for the objects and properties of a history, counted from 0 in the order in which they are met. */
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';

/** Of one class, by what they are called. */
export class TableNumbers {
  /** From 1 on. */
  readonly number: number;
  readonly name: string;
  readonly objects = new Map<Key, number>();
  readonly fields = new Map<string, number>();
  /** The same by number of the key or the name in `quick-scan.ts`, plus 1. */
  readonly objectsByKey: number[] = [];
  readonly fieldsByName: number[] = [];

  constructor(number: number, name: string) {
    this.number = number;
    this.name = name;
  }
}

export class Numbers {
  /** By number of the object. */
  readonly tables: string[] = [];
  readonly keys: Key[] = [];
  /** By number of the property: numbers are counted over all classes. */
  readonly fieldTables: string[] = [];
  readonly fieldNames: string[] = [];
  /** Its number among those of its class. */
  readonly fieldPlaces: number[] = [];
  /** Properties of the class that has most. */
  mostPlaces = 0;
  private readonly byName = new Map<string, TableNumbers>();

  object(tableName: string, key: Key): number {
    const table = this.table(tableName);
    let number = table.objects.get(key);
    if (number === undefined) {
      number = this.tables.push(tableName) - 1;
      this.keys.push(key);
      table.objects.set(key, number);
    }
    return number;
  }

  /** -1 where it is on the schema. */
  objectOf(instruction: Instruction): number {
    return 'object' in instruction ? this.object(instruction.table, instruction.object) : -1;
  }

  field(tableName: string, field: string): number {
    const table = this.table(tableName);
    let number = table.fields.get(field);
    if (number === undefined) {
      number = this.fieldTables.push(tableName) - 1;
      this.fieldNames.push(field);
      this.fieldPlaces.push(table.fields.size);
      table.fields.set(field, number);
      this.mostPlaces = Math.max(this.mostPlaces, table.fields.size);
    }
    return number;
  }

  table(name: string): TableNumbers {
    let table = this.byName.get(name);
    if (table === undefined) {
      table = new TableNumbers(this.byName.size + 1, name);
      this.byName.set(name, table);
    }
    return table;
  }
}
