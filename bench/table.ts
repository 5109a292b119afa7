/** Rows of a suite as a table: a line per workload and metric, a column per subject, ours first. */
import type { Row } from './suite.js';

const OURS = 'syncline';

/** So many significant digits, and all those before the point. */
const printNumber = (value: number, significant: number): string => {
  if (value === 0) return '0';
  const digits = Math.max(0, significant - 1 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = '', fraction] = value.toFixed(Math.min(digits, 12)).split('.');
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
};

/** One row by itself. */
export const renderRow = ({ workload, subject, metric, value, unit }: Row): string =>
  `${workload}  ${subject}  ${metric}: ${printNumber(value, 4)} ${unit}`;

const pad = (cells: readonly string[], widths: readonly number[], left: number): string =>
  cells
    .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
    .join('  ')
    .trimEnd();

/**
 * Lines of equal columns. A subject's value is followed by its ratio to ours on the same workload and
 * metric, where we have one; a subject without a value there shows a dash.
 */
export const renderTable = (rows: readonly Row[]): string => {
  const subjects = [...new Set(rows.map((row) => row.subject))];
  subjects.sort((a, b) => Number(b === OURS) - Number(a === OURS));
  const lines = new Map<string, Map<string, Row>>();
  for (const row of rows) {
    const key = JSON.stringify([row.workload, row.metric, row.unit]);
    const line = lines.get(key) ?? new Map<string, Row>();
    lines.set(key, line.set(row.subject, row));
  }
  const cells = [['workload', 'metric', 'unit', ...subjects]];
  for (const line of lines.values()) {
    const [first] = line.values();
    if (first === undefined) continue;
    const ours = line.get(OURS)?.value;
    const values = subjects.map((subject) => {
      const value = line.get(subject)?.value;
      if (value === undefined) return '-';
      const ratio =
        subject === OURS || ours === undefined || ours === 0 ? '' : ` (×${printNumber(value / ours, 3)})`;
      return `${printNumber(value, 4)}${ratio}`;
    });
    cells.push([first.workload, first.metric, first.unit, ...values]);
  }
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  return cells.map((line) => pad(line, widths, 3)).join('\n');
};
