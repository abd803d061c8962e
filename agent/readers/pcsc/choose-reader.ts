/**
 * The reader that the configuration means, among the names that the service lists. `first`: the first one that is not the slot for a
 * security module. A name may leave out the two numbers at the end (` 00 00`), which change with the order of plugging in; then the
 * first that fits is taken.
 */
export function chooseReader(names: readonly string[], wanted: string): string | undefined {
  if (wanted === 'first') return names.find((name) => !SECURITY_MODULE.test(name)) ?? names[0];
  return names.find((name) => name === wanted) ?? names.find((name) => name.replace(NUMBERS, '') === wanted);
}

/** The ACR1252U lists its empty slot for a chip beside the antenna. */
const SECURITY_MODULE = /\bSAM\b/;
const NUMBERS = / [0-9A-F]{2} [0-9A-F]{2}$/;
