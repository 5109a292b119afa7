/** Differences of short texts, line by line. */

/** Lines that only the first has, after `-`, and lines that only the second has, after `+`, in order. */
export const diff = (expected: readonly string[], found: readonly string[]): string[] => {
  // Longest common subsequence; the inputs are short.
  const width = found.length + 1;
  const lengths = new Uint16Array((expected.length + 1) * width);
  for (let i = expected.length - 1; i >= 0; i--)
    for (let j = found.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        expected[i] === found[j]
          ? 1 + (lengths[(i + 1) * width + j + 1] as number)
          : Math.max(lengths[(i + 1) * width + j] as number, lengths[i * width + j + 1] as number);
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < expected.length || j < found.length) {
    if (i < expected.length && j < found.length && expected[i] === found[j]) {
      i++;
      j++;
    } else if (
      j === found.length ||
      (i < expected.length &&
        (lengths[(i + 1) * width + j] as number) >= (lengths[i * width + j + 1] as number))
    )
      lines.push(`- ${expected[i++]}`);
    else lines.push(`+ ${found[j++]}`);
  }
  return lines;
};
