/**
 * Order of strings by UTF-16 code unit: the same on every machine and engine, unlike `localeCompare`.
 */
export const compareStrings = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
