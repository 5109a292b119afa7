/** Plain tables and a progress bar for terminals. */

/** Columns are as wide as their widest cell; a cell may have several lines. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.split('\n')));
  const widths = head.map((_, column) =>
    Math.max(...cells.flatMap((row) => (row[column] ?? ['']).map((line) => line.length))),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const lines: string[] = [rule];
  for (const row of cells) {
    const height = Math.max(...row.map((cell) => cell.length));
    for (let line = 0; line < height; line++)
      lines.push(
        `| ${widths.map((width, column) => (row[column]?.[line] ?? '').padEnd(width)).join(' | ')} |`,
      );
    lines.push(rule);
  }
  return lines.join('\n');
};

/** Breaks a sentence at spaces into lines of at most `width` characters. */
export const wrap = (sentence: string, width: number): string => {
  const lines: string[] = [''];
  for (const word of sentence.split(' ')) {
    const line = lines[lines.length - 1] as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
};

const WIDTH = 40;

/** One line that is redrawn on a terminal; elsewhere, one line at the end. */
export const progressBar = (label: string, total: number): ((done: number) => void) => {
  return (done) => {
    const filled = Math.round((WIDTH * done) / total);
    const bar = `${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done} of ${total}`;
    if (process.stdout.isTTY) process.stdout.write(`\r${bar}${done === total ? '\n' : ''}`);
    else if (done === total) console.log(bar);
  };
};
