/**
 * What a state holds, as text: one line for each class, column, object and property, sorted, in the form
 * in which states of vectors are read.
 */
import { forEach } from '../../core/base/trie.js';
import type { Key } from '../../core/model/key.js';
import { printValue } from '../../core/model/notation.js';
import {
  type Content,
  DictionaryNode,
  findTable,
  hasObject,
  ListNode,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from '../../core/model/state.js';
import { isLink, type Value } from '../../core/model/value.js';
import {
  type Contents,
  columnLine,
  dictionaryText,
  listText,
  objectLine,
  objectText,
  propertyLine,
  setText,
  tableLine,
} from './contents-text.js';

export const contentsOf = (state: State): Contents => {
  const lines = schemaOf(state);
  forEach(state.tables, (table) => {
    forEach(table.objects, (object, name) => {
      const key = name as Key;
      lines.push(objectLine(table.name, key));
      for (const column of table.columns) {
        const text = contentText(state, property(object, column), column.spec.target);
        lines.push(propertyLine(table.name, key, column.name, text));
      }
    });
  });
  return lines.sort();
};

/** Classes and columns only, not sorted. */
export const schemaOf = (state: State): string[] => {
  const lines: string[] = [];
  forEach(state.tables, (table) => {
    lines.push(tableLine(table.name, table.spec));
    for (const column of table.columns) lines.push(columnLine(table.name, column.name, column.spec));
  });
  return lines;
};

const contentText = (state: State, content: Content, target: string | null): string => {
  if (content instanceof ObjectNode) {
    const table = findTable(state, target ?? '') as Table;
    return objectText(
      table.columns.map((column) => [
        column.name,
        contentText(state, property(content, column), column.spec.target),
      ]),
    );
  }
  if (content instanceof ListNode)
    return listText(content.items.map((item) => contentText(state, item, target)));
  if (content instanceof DictionaryNode) {
    const pairs: [string, string][] = [];
    forEach(content.entries, (entry, key) => {
      pairs.push([key, contentText(state, entry, target)]);
    });
    return dictionaryText(pairs);
  }
  if (content instanceof SetNode) {
    const members: string[] = [];
    forEach(content.members, (member) => {
      members.push(valueText(state, member));
    });
    return setText(members);
  }
  return valueText(state, content);
};

const valueText = (state: State, value: Value): string => {
  const resolved = !isLink(value) || hasObject(state, value.table, value.key);
  return printValue(value) + (resolved ? '' : ' unresolved');
};
